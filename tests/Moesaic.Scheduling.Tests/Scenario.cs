using FsCheck;
using FsCheck.Fluent;

namespace Moesaic.Scheduling.Tests;

internal enum OpKind
{
    Submit,
    Tick,
    Complete,
    Cancel,
    FinishSample,
    Advance,
    FailSample,
    FailStep,
    ForgetCache,
}

/// <summary>Something that happens to a scheduler; what A to D mean depends on the kind.</summary>
internal sealed record Op(OpKind Kind, int A, int B, int C, int D)
{
    public override string ToString() => $"{Kind} {A} {B} {C} {D}";
}

/// <summary>A machine and what happens on it.</summary>
internal sealed record Scenario(int Machine, Op[] Ops)
{
    /// <summary>Machines that differ in what is scarce: nothing, blocks, seats, budget; one group, windows, block sizes.</summary>
    public static readonly SchedulerOptions[] Machines =
    [
        Harness.Options(blocks: 200),
        Harness.Options(blocks: 17),
        Harness.Options(blocks: 12, sequences: 8, budget: 8, context: 48),
        Harness.Options(blocks: 30, sequences: 2, budget: 5) with { MaxWaiting = 3, MaxPrefillChunk = 3, MaxLogitRows = 4 },
        Harness.Options(blocks: 16, sequences: 6, budget: 40) with { PrefixCaching = false, ReserveBlocks = 0 },
        Harness.Options(blocks: 16) with
        {
            KvGroups = [new KvGroupOptions { NumBlocks = 17, BlockTokens = 4 }, new KvGroupOptions { NumBlocks = 9, BlockTokens = 4, Window = 6 }],
            MaxLogitRows = 7,
        },
        Harness.Options(blocks: 16, sequences: 5) with
        {
            KvGroups =
            [
                new KvGroupOptions { NumBlocks = 12, BlockTokens = 3, Window = 7 },
                new KvGroupOptions { NumBlocks = 20, BlockTokens = 6 },
                new KvGroupOptions { NumBlocks = 40, BlockTokens = 2, Window = 9 },
            ],
        },
    ];

    public static Arbitrary<Scenario> Arbitrary { get; } = Arb.From(Generator(), Shrink);

    public override string ToString() => $"machine {Machine}: {string.Join("; ", Ops.Select(static o => o.ToString()))}";

    private static Gen<Scenario> Generator()
    {
        Gen<int> number = Gen.Choose(0, 999);
        Gen<OpKind> kind = Gen.Frequency(
            (30, Gen.Constant(OpKind.Submit)),
            (60, Gen.Constant(OpKind.Tick)),
            (10, Gen.Constant(OpKind.Complete)),
            (5, Gen.Constant(OpKind.Cancel)),
            (4, Gen.Constant(OpKind.FinishSample)),
            (6, Gen.Constant(OpKind.Advance)),
            (2, Gen.Constant(OpKind.FailSample)),
            (1, Gen.Constant(OpKind.FailStep)),
            (1, Gen.Constant(OpKind.ForgetCache)));
        Gen<Op> op = kind.SelectMany(k => Gen.Four(number).Select(n => new Op(k, n.Item1, n.Item2, n.Item3, n.Item4)));
        return Gen.Choose(0, Machines.Length - 1).SelectMany(m => Gen.Choose(5, 120).SelectMany(n => Gen.ArrayOf(op, n)).Select(ops => new Scenario(m, ops)));
    }

    /// <summary>Fewer operations.</summary>
    private static IEnumerable<Scenario> Shrink(Scenario scenario)
    {
        int count = scenario.Ops.Length;
        for (int size = count / 2; size > 0; size /= 2)
        {
            for (int begin = 0; begin + size <= count; begin += size)
            {
                yield return scenario with { Ops = [.. scenario.Ops[..begin], .. scenario.Ops[(begin + size)..]] };
            }
        }
    }
}
