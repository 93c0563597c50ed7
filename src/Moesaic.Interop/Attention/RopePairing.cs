using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Which channels a rotary embedding turns together.</summary>
public enum RopePairing
{
    /// <summary>(x[i], x[i + d/2]): weights of Hugging Face checkpoints.</summary>
    HalfSplit = MscRopePairing.HalfSplit,

    /// <summary>(x[2i], x[2i + 1]): GGUF <c>llama</c>, DeepSeek.</summary>
    Interleaved = MscRopePairing.Interleaved,
}
