using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>
/// A request that holds its seat for as long as any test runs: an answer of a hundred thousand tokens, which ends when its
/// client leaves.
/// </summary>
internal sealed class BusySeat : IDisposable
{
    public const string Path = "/v1/chat/completions";

    public const string Body = $$"""{"model":"m","messages":[{"role":"user","content":"{{ScriptedCheckpoint.EndlessWord}}"}],"max_tokens":100000,"temperature":0,"stream":true}""";

    private const int Context = 1 << 17;

    private readonly TemporaryFolder _folder = new();

    /// <summary>A host of the model that answers so; what its clients leave unread is not bounded.</summary>
    public Task<OpenAiHost> StartHostAsync(Func<ServerOptions, ServerOptions> change) =>
        OpenAiHost.StartAsync(ScriptedCheckpoint.Write(_folder.Path, Context), change: o => change(o with { MaxUnreadTokens = Context }));

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
