using System.Runtime.InteropServices;

namespace Moesaic.Interop;

/// <summary>What is added to a token's logit.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct TokenBias(int Id, float Bias);
