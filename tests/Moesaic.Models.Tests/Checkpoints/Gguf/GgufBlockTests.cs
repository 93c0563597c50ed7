using System.Runtime.InteropServices;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>
/// Every block type of GGUF in a file of its own format: values bit for bit, and dot products with a given vector at both
/// precisions, run as stored where the device does that, else expanded.
/// </summary>
[TestFixtureSource(nameof(Types))]
public sealed class GgufBlockTests(string type)
{
    private static readonly string[] s_native = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4", "NVFP4"];

    public static string[] Types =>
    [
        "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S",
        "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4",
    ];

    [Test]
    public void Values_are_the_references_bit_for_bit()
    {
        using GgufFile file = GgufFile.Open(TestPaths.Shared("fixtures_quantised", "gguf_blocks", "blocks.gguf"));
        CheckpointTensor tensor = file.GetTensor("w." + type);
        Assert.That(tensor.Format, Is.EqualTo(Enum.Parse<ElementFormat>(type)));
        float[] expected = Read<float>(type + ".values"), found = new float[tensor.ElementCount];
        Dequantizer.Dequantize((TensorFormat)tensor.Format, Bytes(tensor), found);
        Assert.That(MemoryMarshal.AsBytes<float>(found).SequenceEqual(MemoryMarshal.AsBytes<float>(expected)));
    }

    /// <summary>
    /// Errors are relative to |w| |x|, the largest a dot product can be. Reference precision sums in float32: 512 additions of
    /// relative error 6e-8, in partial sums. Fast precision rounds x to int8 in blocks of 32: half of max / 127 an element.
    /// </summary>
    [TestCase(Precision.Reference, 1e-7)]
    [TestCase(Precision.Fast, 1e-3)]
    public void Dot_products_stay_within_the_stated_error(Precision precision, double tolerance)
    {
        float[] x = Read<float>(type + ".x"), values = Read<float>(type + ".values");
        double[] expected = Array.ConvertAll(Read<float>(type + ".dot"), d => (double)d);
        using GgufFile file = GgufFile.Open(TestPaths.Shared("fixtures_quantised", "gguf_blocks", "blocks.gguf"));
        CheckpointTensor tensor = file.GetTensor("w." + type);
        using Device device = Device.Open(new DeviceOptions { NumThreads = 1 });
        using ComputeStream stream = ComputeStream.Create(device);
        bool isNative = Weight.IsFormatSupported(device, (TensorFormat)tensor.Format);
        Assert.That(isNative || !s_native.Contains(type), "runs as it is stored");
        using Weight weight = Weight.Create(device, new WeightDescription { Format = isNative ? (TensorFormat)tensor.Format : TensorFormat.F32, Rows = expected.Length, Cols = x.Length });
        weight.Load(isNative ? Bytes(tensor) : MemoryMarshal.AsBytes<float>(values), 0, expected.Length);
        weight.Seal();
        using DeviceBuffer input = DeviceBuffer.Create(device, x.Length * sizeof(float)), output = DeviceBuffer.Create(device, expected.Length * sizeof(float));
        input.Upload<float>(stream, 0, x);
        stream.Linear(new LinearParams { Precision = precision, Input = Tensor.Dense(input, 1, x.Length), Targets = [new LinearTarget(weight, Tensor.Dense(output, 1, expected.Length))] });
        float[] found = new float[expected.Length];
        output.Download<float>(stream, 0, found);
        double sizeOfX = Math.Sqrt(x.Sum(v => (double)v * v)), worst = 0;
        for (int row = 0; row < expected.Length; row++)
        {
            double size = Math.Sqrt(values.AsSpan(row * x.Length, x.Length).ToArray().Sum(v => (double)v * v)) * sizeOfX;
            worst = Math.Max(worst, Math.Abs(found[row] - expected[row]) / size);
        }

        TestContext.Out.WriteLine($"{worst:E2} of |w| |x|, {(isNative ? "as stored" : "expanded")}");
        Assert.That(worst, Is.LessThanOrEqualTo(tolerance));
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.CopyBytes(0, bytes);
        return bytes;
    }

    private static T[] Read<T>(string name)
        where T : unmanaged
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestPaths.Shared("fixtures_quantised", "gguf_blocks", "blocks.safetensors"));
        CheckpointTensor tensor = file.GetTensor(name);
        T[] values = new T[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
