using System.Runtime.InteropServices;

namespace Moesaic.Interop;

/// <summary>How often a token occurred in the sequence so far.</summary>
/// <param name="Id">Token.</param>
/// <param name="Generated">Occurrences in generated text (presence and frequency penalties count these).</param>
/// <param name="Total">Occurrences in prompt and generated text (the repetition penalty asks whether this is above 0).</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct TokenCount(int Id, int Generated, int Total);
