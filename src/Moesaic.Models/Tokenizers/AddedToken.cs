namespace Moesaic.Models.Tokenizers;

/// <summary>A token that is found in the text before anything else happens to it.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether it is left out when special tokens are skipped in decoding.</param>
/// <param name="Normalized">Whether it is searched in the normalized text (in its own normalized form) instead of the raw text.</param>
/// <param name="SingleWord">Whether it counts only where no word character stands beside it.</param>
/// <param name="LeftStrip">Whether it takes in white space before it.</param>
/// <param name="RightStrip">Whether it takes in white space after it.</param>
public sealed record AddedToken(
    string Content,
    bool Special = false,
    bool Normalized = true,
    bool SingleWord = false,
    bool LeftStrip = false,
    bool RightStrip = false);
