using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What will happen to a part of a mapped file.</summary>
public enum FileAdvice
{
    /// <summary>It will be read soon.</summary>
    WillNeed = MscFileAdvice.WillNeed,

    /// <summary>Drop its pages from this process's resident memory; they are read again from the file when touched.</summary>
    DontNeed = MscFileAdvice.DontNeed,
}
