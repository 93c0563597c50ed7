using Microsoft.Win32.SafeHandles;

namespace Moesaic.Cli.Hosting;

/// <summary>
/// Standard output or error whose failures are told. The runtime's own streams drop what is written to a pipe that nobody reads any
/// more, so that <c>moesaic generate | head -n 1</c> would compute its whole answer for nobody, and switch a terminal's keys to
/// another mode, which stays when the program ends.
/// </summary>
internal sealed class OutputStream : WriteOnlyStream
{
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;

    // Numbers of Linux; on macOS EAGAIN is 35.
    private const int BrokenPipe = 32;
    private static readonly int s_tryAgain = OperatingSystem.IsMacOS() ? 35 : 11;

    // What a pipe takes as a whole or not at all (PIPE_BUF).
    private const int ChunkBytes = 4096;

    private readonly Stream _stream;

    private OutputStream(Stream stream) => _stream = stream;

    public static OutputStream Output() => new(Direct(OutputDescriptor) ?? Console.OpenStandardOutput());

    public static OutputStream Error() => new(Direct(ErrorDescriptor) ?? Console.OpenStandardError());

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            for (; buffer.Length > 0; buffer = buffer[Math.Min(ChunkBytes, buffer.Length)..])
            {
                WriteChunk(buffer[..Math.Min(ChunkBytes, buffer.Length)]);
            }
        }
        catch (IOException exception) when (exception.HResult == BrokenPipe && !OperatingSystem.IsWindows())
        {
            throw new OutputClosedException();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"standard output cannot be written: {exception.Message}", exception);
        }
    }

    public override void Flush() => _stream.Flush();

    // Null for files: of those the runtime's streams share the position with whoever else writes to them (2>&1).
    private static FileStream? Direct(int descriptor)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        try
        {
            FileStream direct = new(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return direct.CanSeek ? null : direct;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It is closed: the first write says so.
            return null;
        }
    }

    // Another program may have made the pipe one that does not wait.
    private void WriteChunk(ReadOnlySpan<byte> chunk)
    {
        while (true)
        {
            try
            {
                _stream.Write(chunk);
                return;
            }
            catch (IOException exception) when (exception.HResult == s_tryAgain && !OperatingSystem.IsWindows())
            {
                Thread.Sleep(1);
            }
        }
    }
}
