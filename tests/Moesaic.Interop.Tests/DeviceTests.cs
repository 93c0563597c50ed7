namespace Moesaic.Interop.Tests;

internal sealed class DeviceTests
{
    private static IEnumerable<InstructionSet> Levels() =>
        Enum.GetValues<InstructionSet>().Where(level => level != InstructionSet.Auto && level <= CpuInfo.Detect().BestInstructionSet);

    private static IEnumerable<InstructionSet> MissingLevels() =>
        Enum.GetValues<InstructionSet>().Where(level => level > CpuInfo.Detect().BestInstructionSet);

    [Test]
    public void Cpu_is_detected()
    {
        CpuInfo cpu = CpuInfo.Detect();
        Assert.Multiple(() =>
        {
            Assert.That(cpu.UsableProcessors, Is.InRange(1, 4096));
            Assert.That(cpu.BestInstructionSet, Is.Not.EqualTo(InstructionSet.Auto));
            Assert.That(cpu.MemoryBytes, Is.GreaterThan(64L << 20));
            Assert.That(cpu.Name, Is.Not.Empty);
            Assert.That(cpu.Features.HasFlag(CpuFeatures.Avx2), Is.EqualTo(System.Runtime.Intrinsics.X86.Avx2.IsSupported));
        });
    }

    [TestCaseSource(nameof(Levels))]
    public void Every_level_of_this_machine_opens(InstructionSet level)
    {
        using Device device = Device.Open(new DeviceOptions { InstructionSet = level, NumThreads = 1 });
        Assert.That(device.Info.InstructionSet, Is.EqualTo(level));
        Assert.That(device.Info.Backend, Is.EqualTo(Backend.Cpu));
        Assert.That(device.Info.RowGroup, Is.GreaterThan(0));
    }

    [Test]
    public void Levels_that_the_machine_lacks_are_refused()
    {
        foreach (InstructionSet level in MissingLevels())
        {
            NativeException? error = Assert.Throws<NativeException>(() => Device.Open(new DeviceOptions { InstructionSet = level }));
            Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.BadArgument));
        }
    }

    [Test]
    public void Auto_takes_the_best_level()
    {
        using Device device = Device.Open(new DeviceOptions { NumThreads = 1 });
        Assert.That(device.Info.InstructionSet, Is.EqualTo(CpuInfo.Detect().BestInstructionSet));
    }

    [TestCase(1)]
    [TestCase(3)]
    public void Options_reach_the_device(int numThreads)
    {
        using Device device = Device.Open(new DeviceOptions { NumThreads = numThreads, SpinMicroseconds = 0 });
        Assert.That(device.Info.NumThreads, Is.EqualTo(numThreads));
        Assert.That(device.Info.NumPinnedThreads, Is.Zero);
    }

    [Test]
    public void Pinning_reaches_the_device()
    {
        // The calling thread is the first of the two and is never pinned.
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2, PinThreads = true });
        Assert.That(device.Info.NumPinnedThreads, Is.EqualTo(1));
    }

    [Test]
    public void Negative_options_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Device.Open(new DeviceOptions { NumThreads = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Device.Open(new DeviceOptions { SpinMicroseconds = -1 }));
        Assert.Throws<ArgumentNullException>(() => Device.Open(null!));
    }

    [Test]
    public void Two_devices_work_at_the_same_time()
    {
        const int numRounds = 200;
        using Barrier start = new(2);
        Task[] workers = [.. Enumerable.Range(0, 2).Select(worker => Task.Run(() =>
        {
            using TestDevice device = new();
            using DeviceBuffer buffer = device.Buffer(64 * sizeof(int));
            int[] sent = new int[64];
            int[] received = new int[64];
            start.SignalAndWait();
            for (int round = 0; round < numRounds; round++)
            {
                Array.Fill(sent, (worker * numRounds) + round);
                buffer.Upload<int>(device.Stream, 0, sent);
                buffer.Download<int>(device.Stream, 0, received);
                Assert.That(received, Is.EqualTo(sent));
            }
        }))];
        Task.WaitAll(workers);
    }

    [Test]
    public void Events_report_that_work_is_done()
    {
        using TestDevice device = new();
        using StreamEvent done = StreamEvent.Create(device.Device);
        Assert.Throws<NativeException>(() => _ = done.IsDone, "never recorded");
        done.Record(device.Stream);
        device.Stream.Synchronize();
        Assert.That(done.IsDone, Is.True);
    }
}
