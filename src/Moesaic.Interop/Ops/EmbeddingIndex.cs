using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Which row of a table a token takes.</summary>
public enum EmbeddingIndex
{
    /// <summary>Its id.</summary>
    Token = MscEmbeddingIndex.Token,

    /// <summary>Its position.</summary>
    Position = MscEmbeddingIndex.Position,

    /// <summary>Row 0, whatever the token: the type of a text that stands alone.</summary>
    FirstRow = MscEmbeddingIndex.FirstRow,
}
