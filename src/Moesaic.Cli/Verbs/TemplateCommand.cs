using System.Text.Json;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Cli.Verbs;

internal static class TemplateCommand
{
    public static async Task<int> RunAsync(TemplateOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? prompt = PlainText.Single(options.Prompt, "prompt");
        if (options.JsonLines && (options.Json || prompt is not null || options.Input is not null || options.System is not null))
        {
            throw new UsageException("--jsonl reads standard input only: it goes with neither --json, --input, --system nor a prompt");
        }

        if (options.Input is not null && (prompt is not null || options.System is not null))
        {
            throw new UsageException("--input brings its own messages: it goes with neither a prompt nor --system");
        }

        TemplateSource source = TemplateSource.Load(options.Template);
        if (options.JsonLines)
        {
            await RunLinesAsync(options, source, terminal, cancellationToken).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        ChatTemplateInputs inputs = await ReadInputsAsync(options, prompt, source, terminal, cancellationToken).ConfigureAwait(false);
        string text = source.Compile(options.TemplateName, HasTools(inputs)).Render(inputs);
        terminal.Output.Write(options.Json ? JsonText.Object(writer => writer.WriteString("text", text)) + "\n" : text);
        if (!options.Json && Terminal.IsInteractive && !text.EndsWith('\n'))
        {
            // The text is exact for a program; for a person the next prompt starts a line.
            terminal.Output.WriteLine();
        }

        return ExitCodes.Success;
    }

    private static async Task RunLinesAsync(TemplateOptions options, TemplateSource source, Terminal terminal, CancellationToken cancellationToken)
    {
        ChatTemplate plain = source.Compile(options.TemplateName, hasTools: false);
        ChatTemplate? withTools = null;
        await JsonLines.RunAsync(
            terminal,
            (request, answer) =>
            {
                ChatTemplateInputs inputs = ChatTemplateInputs.FromJson(request, DateTime.Now);
                ChatTemplate template = HasTools(inputs) ? withTools ??= source.Compile(options.TemplateName, hasTools: true) : plain;
                answer.WriteString("text", template.Render(inputs));
            },
            Describe,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What a program gets: the name of the error and its message, which for a refusal is the template's own.</summary>
    private static string? Describe(Exception exception) => exception switch
    {
        ChatTemplateException { Kind: ChatTemplateErrorKind.Raised } raised => $"{raised.ErrorName}: {raised.Detail}",
        ChatTemplateException { Line: > 0 } failed => $"{failed.ErrorName}: {failed.Detail} (line {failed.Line} of the template)",
        ChatTemplateException failed => $"{failed.ErrorName}: {failed.Detail}",
        FormatException => exception.Message,
        _ => null,
    };

    private static bool HasTools(ChatTemplateInputs inputs) => inputs.Tools != ChatTemplateValue.None;

    private static async Task<ChatTemplateInputs> ReadInputsAsync(
        TemplateOptions options, string? prompt, TemplateSource source, Terminal terminal, CancellationToken cancellationToken)
    {
        ChatTemplateInputs inputs;
        if (options.Input is not null)
        {
            inputs = ReadFile(options.Input);
        }
        else
        {
            prompt = await PlainText.OrStandardInputAsync(prompt, terminal, cancellationToken).ConfigureAwait(false);
            List<ChatTemplateValue> messages = [];
            if (options.System is not null)
            {
                messages.Add(Message("system", options.System));
            }

            messages.Add(Message("user", prompt));
            inputs = new ChatTemplateInputs { Messages = ChatTemplateValue.From(messages), AddGenerationPrompt = !options.NoGenerationPrompt };
        }

        return inputs with
        {
            BosToken = inputs.BosToken ?? source.Tokens.Bos,
            EosToken = inputs.EosToken ?? source.Tokens.Eos,
            UnkToken = inputs.UnkToken ?? source.Tokens.Unknown,
            PadToken = inputs.PadToken ?? source.Tokens.Padding,
        };
    }

    private static ChatTemplateInputs ReadFile(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Utf8Text.FileBytes("--input", path));
            return ChatTemplateInputs.FromJson(document.RootElement, DateTime.Now);
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new UsageException($"--input {path}: {exception.Message}");
        }
    }

    private static ChatTemplateValue Message(string role, string content) => ChatTemplateValue.From(
    [
        KeyValuePair.Create("role", ChatTemplateValue.From(role)),
        KeyValuePair.Create("content", ChatTemplateValue.From(content)),
    ]);
}
