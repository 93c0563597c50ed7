using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>F32, F16 and BF16, to nearest even. A value that float16 cannot hold becomes infinite, which the caller refuses.</summary>
internal sealed class FloatQuantiser(ElementFormat format) : BlockQuantiser(format)
{
    private protected override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        switch (Format)
        {
            case ElementFormat.F32:
                BinaryPrimitives.WriteSingleLittleEndian(block, x[0]);
                break;
            case ElementFormat.F16:
                WriteHalf(block, x[0]);
                break;
            default:
                uint bits = BitConverter.SingleToUInt32Bits(x[0]);
                BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16));
                break;
        }
    }
}
