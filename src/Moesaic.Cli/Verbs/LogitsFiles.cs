using Moesaic.Engine;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;

namespace Moesaic.Cli.Verbs;

/// <summary>The files that score writes logits to, row by row; they appear when complete.</summary>
internal sealed class LogitsFiles : IDisposable
{
    private const string MainName = "logits";
    private const string MtpName = "mtp_logits";

    private readonly SafetensorsWriter? _main;
    private readonly SafetensorsWriter? _mtp;

    /// <param name="main">Path for the model's own logits, or null.</param>
    /// <param name="mtp">Path for those of the multi-token-prediction layer, or null.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="vocabulary">Rows of the output head, padding included.</param>
    public LogitsFiles(string? main, string? mtp, int batch, int tokens, int vocabulary)
    {
        _main = main is null ? null : new SafetensorsWriter(main, [new SafetensorsTensorSpec(MainName, ElementFormat.F32, batch, tokens, vocabulary)]);
        try
        {
            _mtp = mtp is null ? null : new SafetensorsWriter(mtp, [new SafetensorsTensorSpec(MtpName, ElementFormat.F32, batch, tokens, vocabulary)]);
        }
        catch
        {
            _main?.Dispose();
            throw;
        }
    }

    // Rows arrive in order of sequence and position.
    public LogitsSink? Main => _main is null ? null : (_, _, logits) => _main.Write(MainName, logits);

    public LogitsSink? Mtp => _mtp is null ? null : (_, _, logits) => _mtp.Write(MtpName, logits);

    public void Complete()
    {
        _main?.Complete();
        _mtp?.Complete();
    }

    public void Dispose()
    {
        _main?.Dispose();
        _mtp?.Dispose();
    }
}
