using System.Text.Json;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Output;

namespace Moesaic.Cli.Input;

/// <summary>
/// The program mode of a verb: one JSON object a line in, one JSON object a line out, in order. A line that fails
/// gives {"error": ...} and the next one is read; blank lines are skipped.
/// </summary>
internal static class JsonLines
{
    /// <param name="terminal">Where lines come from and go to.</param>
    /// <param name="handle">Writes the members of the answer to one line; may throw before it writes any.</param>
    /// <param name="describe">The text of the error for an exception of <paramref name="handle"/>; null when it is no matter of the line.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task RunAsync(
        Terminal terminal,
        Action<JsonElement, Utf8JsonWriter> handle,
        Func<Exception, string?> describe,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            string? answer;
            try
            {
                string? line = await terminal.ReadLineAsync(cancellationToken).ConfigureAwait(false);
                if (line is null)
                {
                    return;
                }

                if (string.IsNullOrWhiteSpace(line))
                {
                    continue;
                }

                answer = Answer(line, handle, describe);
            }
            catch (FormatException exception)
            {
                answer = Error(exception.Message);
            }

            terminal.Output.WriteLine(answer);
            await terminal.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Answer(string line, Action<JsonElement, Utf8JsonWriter> handle, Func<Exception, string?> describe)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 256 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? JsonText.Object(writer => handle(document.RootElement, writer))
                : Error("a line must be a JSON object");
        }
        catch (JsonException exception)
        {
            return Error("the line is not JSON: " + exception.Message);
        }
        catch (Exception exception) when (describe(exception) is { } message)
        {
            return Error(message);
        }
    }

    private static string Error(string message) => JsonText.Object(writer => writer.WriteString("error", message));
}
