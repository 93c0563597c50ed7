namespace Moesaic.Cli.BenchServe;

/// <summary>Text to token ids and back, by the host or by a tokenizer at hand. No special tokens are added.</summary>
internal interface IPromptCodec
{
    Task<int[]> EncodeAsync(string text, CancellationToken cancellationToken);

    Task<string> DecodeAsync(int[] ids, CancellationToken cancellationToken);
}
