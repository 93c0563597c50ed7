namespace Moesaic.Models.Checkpoints;

/// <summary>Reads whole files beside the weights with a limit on their size.</summary>
internal static class BoundedFile
{
    /// <exception cref="ModelFormatException">The file is missing, unreadable or longer than the limit.</exception>
    public static byte[] ReadAllBytes(string path, long maxBytes)
    {
        try
        {
            using Stream stream = RegularFile.OpenRead(path);
            if (stream.Length > maxBytes)
            {
                throw new ModelFormatException(path, "file", $"it is {stream.Length} bytes long; at most {maxBytes} are accepted for this kind of file.");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "file", $"it cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The text of a file in UTF-8, without a byte order mark.</summary>
    /// <exception cref="ModelFormatException">The file is missing, unreadable, longer than the limit, or not UTF-8.</exception>
    public static string ReadAllText(string path, long maxBytes)
    {
        byte[] bytes = ReadAllBytes(path, maxBytes);
        return System.Text.Unicode.Utf8.IsValid(bytes)
            ? System.Text.Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF')
            : throw new ModelFormatException(path, "file", "it is not UTF-8 text.");
    }
}
