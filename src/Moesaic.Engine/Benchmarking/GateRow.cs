namespace Moesaic.Engine.Benchmarking;

/// <summary>What the gate thinks of a row.</summary>
public enum GateVerdict
{
    /// <summary>At or above the floor, and nothing allocated for a generated token.</summary>
    Passed,

    /// <summary>No machine has shown what to expect: reported, its speed not judged.</summary>
    NotGated,

    /// <summary>Below the floor in every attempt.</summary>
    TooSlow,

    /// <summary>Decoding allocated managed memory.</summary>
    Allocates,
}

/// <summary>One judged figure.</summary>
/// <param name="Case">Name of the case.</param>
/// <param name="Level">Instruction-set level.</param>
/// <param name="Measured">The best of the attempts.</param>
/// <param name="Floor">The least share that passes; null where none is known.</param>
/// <param name="Attempts">How often it was measured.</param>
/// <param name="Verdict">What follows.</param>
public sealed record GateRow(string Case, string Level, BenchmarkRow Measured, double? Floor, int Attempts, GateVerdict Verdict)
{
    /// <summary>Whether the budget is missed.</summary>
    public bool Missed => Verdict is GateVerdict.TooSlow or GateVerdict.Allocates;
}
