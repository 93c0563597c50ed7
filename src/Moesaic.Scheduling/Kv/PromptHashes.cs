namespace Moesaic.Scheduling;

/// <summary>Hashes of a prompt's whole blocks.</summary>
/// <param name="Root">What the chains start from: tenant and salt.</param>
/// <param name="ByGroup">For each cache group; groups of the same block size share one array.</param>
internal sealed record PromptHashes(UInt128 Root, UInt128[][] ByGroup)
{
    /// <summary>Without prefix cache.</summary>
    public static PromptHashes None { get; } = new(0, []);
}
