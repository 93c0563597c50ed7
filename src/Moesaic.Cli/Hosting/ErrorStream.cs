namespace Moesaic.Cli.Hosting;

/// <summary>Standard error. What cannot be written there is lost: there is nobody left to tell, and results must still come out.</summary>
internal sealed class ErrorStream(Stream stream) : WriteOnlyStream
{
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            stream.Write(buffer);
        }
        catch (Exception exception) when (exception is IOException or OutputClosedException)
        {
            // A full disk, or a stream that is closed or that nobody reads.
        }
    }

    public override void Flush()
    {
        // The stream of the runtime holds nothing back.
    }
}
