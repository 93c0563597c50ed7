using System.Runtime.InteropServices;

namespace Moesaic.Interop.Tests;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed unsafe class WeightTests : IDisposable
{
    private const int Cols = 64;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Slices_fill_the_weight_in_any_order()
    {
        const int rows = 24;
        float[] values = Reference.Values(rows * Cols, 1);
        float[] x = Reference.Values(Cols, 2);
        using Weight weight = Weight.Create(_device.Device, new WeightDescription { Format = TensorFormat.F32, Rows = rows, Cols = Cols });
        fixed (float* source = values)
        {
            nint address = (nint)source;
            Parallel.ForEach(new[] { 16, 0, 8 }, begin => weight.Load(new WeightSlice
            {
                RowBegin = begin, NumRows = 8, Source = address + (begin * Cols * sizeof(float)), SourceRowBytes = Cols * sizeof(float),
            }));
        }

        weight.Seal();
        Tensor output = _device.Empty(1, rows);
        _device.Stream.Linear(new LinearParams { Input = _device.Tensor<float>(1, Cols, x), Targets = [new(weight, output)] });
        Assert.That(_device.Read<float>(output), Is.EqualTo(Reference.Multiply(values, rows, x)).Within(Reference.Tolerance));
    }

    [Test]
    public void Info_says_what_is_held()
    {
        using Weight weight = Weight.Create(
            _device.Device, new WeightDescription { Format = TensorFormat.Q8_0, Rows = 8, Cols = Cols, NumExperts = 3 });
        Assert.That(weight.Info, Is.EqualTo(new WeightInfo(
            TensorFormat.Q8_0, 3, 8, Cols, weight.Info.PackedBytesPerExpert, weight.Info.PackedBytes)));
        Assert.That(weight.Info.PackedBytes, Is.EqualTo(3 * weight.Info.PackedBytesPerExpert).And.GreaterThan(0));
    }

    [Test]
    public void Missing_rows_are_noticed_when_sealing()
    {
        using Weight weight = Weight.Create(_device.Device, new WeightDescription { Format = TensorFormat.F32, Rows = 16, Cols = Cols });
        weight.Load(new byte[8 * Cols * sizeof(float)], 0, 8);
        NativeException? error = Assert.Throws<NativeException>(weight.Seal);
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.BadArgument));
    }

    [Test]
    public void Wrong_source_lengths_are_refused()
    {
        using Weight weight = Weight.Create(_device.Device, new WeightDescription { Format = TensorFormat.F32, Rows = 16, Cols = Cols });
        Assert.Throws<ArgumentException>(() => weight.Load(new byte[7], 0, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => weight.Load([], 0, 0));
        Assert.Throws<NativeException>(() => weight.Load(new byte[17 * Cols * sizeof(float)], 0, 17));
    }

    [Test]
    public void Formats_are_supported_or_not() =>
        Assert.That(Weight.IsFormatSupported(_device.Device, TensorFormat.F32), Is.True);

    [Test]
    public void Dequantise_gives_exact_values()
    {
        byte[] block = new byte[34]; // Q8_0: a half-precision scale and 32 signed bytes
        MemoryMarshal.Write(block, (Half)0.5f);
        for (int i = 0; i < 32; i++)
        {
            block[2 + i] = (byte)(sbyte)(i - 16);
        }

        float[] values = new float[32];
        Dequantizer.Dequantize(TensorFormat.Q8_0, block, values);
        Assert.That(values, Is.EqualTo(Enumerable.Range(-16, 32).Select(i => i * 0.5f)));
        Assert.That(Dequantizer.Block(TensorFormat.Q8_0), Is.EqualTo((32, 34)));
        Assert.That(Dequantizer.RowBytes(TensorFormat.Q8_0, 96), Is.EqualTo(102));
    }

    [Test]
    public void Dequantise_checks_lengths()
    {
        Assert.Throws<ArgumentException>(() => Dequantizer.Dequantize(TensorFormat.Q8_0, new byte[33], new float[32]));
        Assert.Throws<ArgumentException>(() => Dequantizer.Dequantize(TensorFormat.Q8_0, new byte[34], new float[31]));
        Assert.Throws<ArgumentException>(() => Dequantizer.RowBytes(TensorFormat.Q8_0, -32));
        Assert.Throws<NativeException>(() => Dequantizer.Block((TensorFormat)999));
    }
}
