using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Moesaic.Cli.Input;

/// <summary>Bytes of users to text: UTF-8, and nothing is replaced unsaid.</summary>
internal static class Utf8Text
{
    /// <summary>More than any context holds; what goes on without an end is refused before memory runs out.</summary>
    public const int MaxBytes = 256 << 20;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <param name="bytes">The text, with or without a byte order mark, which is no part of it.</param>
    /// <param name="subject">What the error is about, such as "the line".</param>
    /// <exception cref="FormatException">They are not UTF-8; the message names the place.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, string subject)
    {
        int mark = bytes.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        char[] characters = new char[bytes.Length - mark];
        return Utf8.ToUtf16(bytes[mark..], characters, out int read, out int written, replaceInvalidSequences: false) == OperationStatus.Done
            ? new string(characters, 0, written)
            : throw new FormatException(string.Create(
                CultureInfo.InvariantCulture, $"{subject} is not UTF-8: byte 0x{bytes[mark + read]:x2} at offset {mark + read}; convert it first"));
    }

    /// <summary>A whole stream.</summary>
    /// <exception cref="FormatException">It is not UTF-8, or longer than <see cref="MaxBytes"/>.</exception>
    public static string ReadAll(Stream stream, string subject)
    {
        using MemoryStream all = Bytes(stream, subject);
        return Decode(all.GetBuffer().AsSpan(0, (int)all.Length), subject);
    }

    /// <summary>The bytes of a file that an option names.</summary>
    /// <exception cref="UsageException">It cannot be read, or is longer than <see cref="MaxBytes"/>.</exception>
    public static ReadOnlyMemory<byte> FileBytes(string option, string path) => FromFile(option, path, stream =>
    {
        using MemoryStream all = Bytes(stream, "it");
        return (ReadOnlyMemory<byte>)all.GetBuffer().AsMemory(0, (int)all.Length);
    });

    /// <summary>The text of a file that an option names.</summary>
    /// <exception cref="UsageException">It cannot be read, is not UTF-8, or longer than <see cref="MaxBytes"/>.</exception>
    public static string File(string option, string path) => FromFile(option, path, stream => ReadAll(stream, "it"));

    private static T FromFile<T>(string option, string path, Func<Stream, T> read)
    {
        string why;
        try
        {
            if (Directory.Exists(path))
            {
                throw new UsageException($"{option} {path}: it is a folder; expected a file");
            }

            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return read(stream);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            why = "there is no such file";
        }
        catch (UnauthorizedAccessException)
        {
            why = "it may not be read by this user";
        }
        catch (Exception exception) when (exception is IOException or FormatException or ArgumentException or NotSupportedException)
        {
            why = exception.Message;
        }

        throw new UsageException($"{option} {path}: {why}");
    }

    private static MemoryStream Bytes(Stream stream, string subject)
    {
        MemoryStream all = new();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = stream.Read(buffer)) > 0;)
        {
            if (all.Length + count > MaxBytes)
            {
                throw new FormatException($"{subject} is longer than {MaxBytes >> 20} MiB");
            }

            all.Write(buffer, 0, count);
        }

        return all;
    }
}
