using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Reads stored vectors as float32.</summary>
internal static class VectorReader
{
    public static void Read(VectorSource source, CheckpointTensor tensor, Span<float> target)
    {
        int elementBytes = tensor.Format == ElementFormat.F32 ? 4 : 2;
        int step = checked((int)source.Step);
        byte[] bytes = new byte[checked((((int)source.Length - 1) * step * elementBytes) + elementBytes)];
        tensor.CopyBytes(source.Offset * elementBytes, bytes);
        for (int i = 0; i < target.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.AsSpan(i * step * elementBytes);
            float value = tensor.Format switch
            {
                ElementFormat.F32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                ElementFormat.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
                ElementFormat.BF16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                _ => throw new InvalidOperationException($"A plan let a vector of type {tensor.Format} through."),
            };
            target[i] = (value * source.Factor) + source.Add;
        }
    }
}
