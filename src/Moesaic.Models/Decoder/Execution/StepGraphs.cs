using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>The captured steps of an executor, by shape. Steps of few tokens, whose ops are short, are launched from them.</summary>
internal sealed class StepGraphs(ComputeStream stream, Action enqueue) : IDisposable
{
    /// <summary>Ops of more tokens are long enough to be enqueued one by one.</summary>
    public const int MaxTokens = 16;

    private readonly ComputeGraph?[] _graphs = new ComputeGraph?[(MaxTokens + 1) * (MaxTokens + 1)];

    /// <summary>Enqueues a step of a shape that was captured before, or is now.</summary>
    /// <param name="tokens">1 to <see cref="MaxTokens"/>.</param>
    /// <param name="logitRows">0 to <paramref name="tokens"/>.</param>
    public void Launch(int tokens, int logitRows) =>
        stream.Launch(_graphs[(tokens * (MaxTokens + 1)) + logitRows] ??= stream.Capture(enqueue));

    public void Dispose()
    {
        foreach (ComputeGraph? graph in _graphs)
        {
            graph?.Dispose();
        }
    }
}
