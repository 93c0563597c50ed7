using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Cli.Verbs;

internal static class DetokenizeCommand
{
    private static readonly char[] Separators = [' ', ',', '\t', '\r', '\n', '[', ']'];

    public static async Task<int> RunAsync(DetokenizeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string[] words = [.. options.Ids];
        options.CheckModes(words.Length > 0);
        List<int> ids = Parse(words);
        Tokenizer tokenizer = TokenizerSource.Load(options.Tokenizer);
        if (options.JsonLines)
        {
            await JsonLines.RunAsync(
                terminal,
                (request, answer) => answer.WriteString(
                    "text",
                    tokenizer.Decode(Known(tokenizer, JsonMembers.Ids(request, "ids")), JsonMembers.Flag(request, "skip_special_tokens", options.SkipSpecialTokens))),
                exception => exception is FormatException ? exception.Message : null,
                cancellationToken).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        if (words.Length == 0)
        {
            ids = Parse([await PlainText.OrStandardInputAsync(null, terminal, cancellationToken).ConfigureAwait(false)]);
        }

        string text;
        try
        {
            text = tokenizer.Decode(Known(tokenizer, ids), options.SkipSpecialTokens);
        }
        catch (FormatException exception)
        {
            throw new UsageException(exception.Message);
        }

        terminal.Output.WriteLine(options.Json ? JsonText.Object(writer => writer.WriteString("text", text)) : text);
        return ExitCodes.Success;
    }

    private static List<int> Parse(string[] words)
    {
        List<int> ids = [];
        foreach (string word in words.SelectMany(w => w.Split(Separators, StringSplitOptions.RemoveEmptyEntries)))
        {
            ids.Add(int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? id
                : throw new UsageException($"'{word}' is not a token id"));
        }

        return ids;
    }

    // The library leaves unknown ids out, as models with padded vocabularies need; here they are more likely a mistake.
    private static List<int> Known(Tokenizer tokenizer, List<int> ids)
    {
        foreach (int id in ids)
        {
            if (tokenizer.IdToToken(id) is null)
            {
                throw new FormatException($"the tokenizer has no token with the id {id} ({tokenizer.VocabularySize} tokens)");
            }
        }

        return ids;
    }
}
