namespace Moesaic.Models.Checkpoints;

/// <summary>Reads whole small files (JSON beside the weights) with a limit on their size.</summary>
internal static class BoundedFile
{
    /// <exception cref="ModelFormatException">The file is missing, unreadable or longer than the limit.</exception>
    public static byte[] ReadAllBytes(string path, int maxBytes)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
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
}
