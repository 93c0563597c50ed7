namespace Moesaic.Interop.Tests;

internal sealed class TensorTests
{
    [Test]
    public void Slices_point_at_the_right_elements()
    {
        using TestDevice device = new();
        using DeviceBuffer buffer = device.Buffer(4 * 6 * sizeof(float));
        Tensor whole = Tensor.Dense(buffer, 4, 6);
        Tensor part = whole.SliceRows(1, 2).SliceColumns(2, 3);
        Assert.That(part, Is.EqualTo(new Tensor(buffer, (6 + 2) * sizeof(float), 2, 3, 6, TensorFormat.F32)));
        Assert.That(whole.SliceRows(4, 0).Rows, Is.Zero);
    }

    [TestCase(-1, 1)]
    [TestCase(0, 5)]
    [TestCase(4, 1)]
    [TestCase(1, -1)]
    [TestCase(long.MaxValue, 1)]
    public void Slices_outside_are_refused(long begin, long count)
    {
        Tensor tensor = new(null, 0, 4, 4, 4, TensorFormat.F32);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.SliceRows(begin, count));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.SliceColumns(begin, count));
    }

    [Test]
    public unsafe void Default_is_the_absent_tensor()
    {
        Assert.That(default(Tensor).IsAbsent, Is.True);
        Assert.That(default(Tensor).ToNative().Buffer == null, Is.True);
    }

    [Test]
    public void Element_sizes_are_the_librarys()
    {
        foreach (TensorFormat format in Enum.GetValues<TensorFormat>())
        {
            (long elements, long bytes) = Dequantizer.Block(format);
            if (elements == 1)
            {
                Assert.That(Tensor.SizeOf(format), Is.EqualTo(bytes), format.ToString());
            }
            else
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.SizeOf(format), format.ToString());
            }
        }
    }
}
