namespace Moesaic.Models;

/// <summary>
/// The one exception for untrusted model files (checkpoints, tokenizers, templates files) that cannot be used as they are.
/// </summary>
/// <remarks>The message names the file, the field, the offending value and what was expected.</remarks>
public sealed class ModelFormatException : Exception
{
    /// <param name="file">The file as the user named it.</param>
    /// <param name="field">Path of the field inside the file, such as <c>model.merges[12]</c>; empty when the whole file is meant.</param>
    /// <param name="message">The value found and what was expected.</param>
    /// <param name="innerException">The parser's own exception, where there is one.</param>
    public ModelFormatException(string file, string field, string message, Exception? innerException = null)
        : base(string.IsNullOrEmpty(field) ? $"{file}: {message}" : $"{file}: {field}: {message}", innerException)
    {
        File = file;
        Field = field;
    }

    /// <summary>The file as the user named it.</summary>
    public string File { get; }

    /// <summary>Path of the field inside the file; empty when the whole file is meant.</summary>
    public string Field { get; }
}
