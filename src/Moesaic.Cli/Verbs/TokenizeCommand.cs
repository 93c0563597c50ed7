using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Models.Tokenizers;
using Spectre.Console;

namespace Moesaic.Cli.Verbs;

internal static class TokenizeCommand
{
    public static async Task<int> RunAsync(TokenizeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? given = PlainText.Single(options.Text, "text");
        options.CheckModes(given is not null);
        Tokenizer tokenizer = TokenizerSource.Load(options.Tokenizer);
        if (options.JsonLines)
        {
            bool special = !options.NoSpecialTokens;
            await JsonLines.RunAsync(
                terminal,
                (request, answer) => answer.WriteIds(
                    "ids", tokenizer.Encode(JsonMembers.Text(request, "text"), JsonMembers.Flag(request, "add_special_tokens", special))),
                exception => exception is FormatException or TokenizationException ? exception.Message : null,
                cancellationToken).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        string text = await PlainText.OrStandardInputAsync(given, terminal, cancellationToken).ConfigureAwait(false);
        Print(tokenizer, tokenizer.Encode(text, !options.NoSpecialTokens), options.Json, terminal);
        return ExitCodes.Success;
    }

    private static void Print(Tokenizer tokenizer, IReadOnlyList<int> ids, bool json, Terminal terminal)
    {
        if (json)
        {
            terminal.Output.WriteLine(JsonText.Object(writer =>
            {
                writer.WriteIds("ids", ids);
                writer.WriteStartArray("tokens");
                foreach (int id in ids)
                {
                    writer.WriteStringValue(tokenizer.IdToToken(id));
                }

                writer.WriteEndArray();
            }));
        }
        else if (Terminal.IsInteractive)
        {
            Table table = new Table().AddColumn(new TableColumn("id").RightAligned()).AddColumn("token");
            foreach (int id in ids)
            {
                table.AddRow(new Text(id.ToString(CultureInfo.InvariantCulture)), new Text(ControlText.Visible(tokenizer.IdToToken(id) ?? "")));
            }

            terminal.Rich().Write(table);
            terminal.Output.WriteLine($"{ids.Count} tokens");
        }
        else
        {
            terminal.Output.WriteLine(string.Join(' ', ids));
        }
    }
}
