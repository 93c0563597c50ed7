namespace Moesaic.Models.Encoder;

/// <summary>How the vectors of a text's tokens, special tokens included, become one.</summary>
public enum PoolingKind
{
    Mean = 1,

    /// <summary>That of the first token ([CLS], <c>&lt;s&gt;</c>).</summary>
    FirstToken = 2,

    LastToken = 3,
}
