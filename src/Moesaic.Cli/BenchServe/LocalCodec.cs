using Moesaic.Models.Tokenizers;

namespace Moesaic.Cli.BenchServe;

/// <summary>A tokenizer at hand.</summary>
internal sealed class LocalCodec(Tokenizer tokenizer) : IPromptCodec
{
    public Task<int[]> EncodeAsync(string text, CancellationToken cancellationToken) =>
        Task.FromResult<int[]>([.. tokenizer.Encode(text, addSpecialTokens: false)]);

    public Task<string> DecodeAsync(int[] ids, CancellationToken cancellationToken) =>
        Task.FromResult(tokenizer.Decode(ids, skipSpecialTokens: true));
}
