using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Cli.Pull;
using Moesaic.Engine;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;

namespace Moesaic.Cli.Verbs;

internal static class EmbedCommand
{
    private const string Vectors = "embeddings";
    private const string Hidden = "last_hidden_state";

    public static async Task<int> RunAsync(EmbedOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string[] given = [.. options.Texts];
        options.Check(given.Length);
        EngineOptions engine = ModelLoading.Check(options);
        IdsFile? file = options.Ids is null ? null : IdsFile.Read(options.Ids);
        file?.RefuseDecoderIds("embed");
        IReadOnlyList<int[]>? ids = file is null ? null : MaskedIds.Of(file);
        string[] texts = ids is not null ? []
            : given.Length > 0 ? given
            : Lines(options.PromptFile is { } lines
                ? Utf8Text.File("--prompt-file", lines)
                : await PlainText.OrStandardInputAsync(null, terminal, cancellationToken).ConfigureAwait(false));
        if (ids is null && texts.Length == 0)
        {
            throw new UsageException("there is no text");
        }

        using EmbeddingModel model = Load(options, engine, terminal, cancellationToken);
        int[][] rows = ids is not null ? [.. ids] : [.. texts.Select(t => model.Tokenizer.Encode(t, addSpecialTokens: true).ToArray())];
        for (int i = 0; i < rows.Length; i++)
        {
            Check(model, rows[i], options.Ids is { } path ? $"{path}: ids[{i}]" : $"text {i + 1}");
        }

        float[][] vectors;
        using EmbeddingRunner runner = model.CreateRunner();
        if (options.Output is { } output)
        {
            using SafetensorsWriter writer = new(output, Tensors(options, rows, model.Dimensions));
            int longest = rows.Max(static r => r.Length);
            vectors = runner.Embed(rows, options.HiddenStates ? (_, states) => Write(writer, states, longest, model.Dimensions) : null, cancellationToken);
            foreach (float[] vector in vectors)
            {
                writer.Write<float>(Vectors, vector);
            }

            writer.Complete();
        }
        else
        {
            vectors = runner.Embed(rows, null, cancellationToken);
        }

        Print(options, model, rows, vectors, terminal);
        return ExitCodes.Success;
    }

    private static EmbeddingModel Load(EmbedOptions options, EngineOptions engine, Terminal terminal, CancellationToken cancellationToken)
    {
        using LoadingBar bar = new(terminal);
        try
        {
            return EmbeddingModel.Load(ModelCache.Resolve(options.Model)!, engine with
            {
                Progress = bar.Report,
                Announce = weights => bar.Say(weights.ToString()),
                Cancellation = cancellationToken,
            });
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(ModelLoading.Message(exception));
        }
    }

    private static void Check(EmbeddingModel model, int[] row, string name)
    {
        try
        {
            model.Check(row);
        }
        catch (Exception exception) when (exception is ArgumentException or ContextExceededException)
        {
            throw new UsageException($"{name}: {exception.Message}");
        }
    }

    private static List<SafetensorsTensorSpec> Tensors(EmbedOptions options, int[][] rows, int width)
    {
        List<SafetensorsTensorSpec> tensors = [new(Vectors, ElementFormat.F32, rows.Length, width)];
        if (options.HiddenStates)
        {
            tensors.Add(new(Hidden, ElementFormat.F32, rows.Length, rows.Max(static r => r.Length), width));
        }

        return tensors;
    }

    private static void Write(SafetensorsWriter writer, ReadOnlySpan<float> states, int longest, int width)
    {
        writer.Write(Hidden, states);
        ReadOnlySpan<float> zeros = new float[(longest * width) - states.Length];
        if (!zeros.IsEmpty)
        {
            writer.Write(Hidden, zeros);
        }
    }

    private static string[] Lines(string text)
    {
        string[] lines = text.Split('\n');
        return [.. (lines[^1].Length == 0 ? lines[..^1] : lines).Select(static l => l.EndsWith('\r') ? l[..^1] : l)];
    }

    private static void Print(EmbedOptions options, EmbeddingModel model, int[][] rows, float[][] vectors, Terminal terminal)
    {
        if (options.Json)
        {
            terminal.Output.WriteLine(JsonText.Object(writer =>
            {
                writer.WriteString("model", model.Name);
                writer.WriteNumber("dimensions", model.Dimensions);
                writer.WriteNumber("tokens", rows.Sum(static r => (long)r.Length));
                writer.WriteStartArray(Vectors);
                foreach (float[] vector in vectors)
                {
                    writer.WriteStartArray();
                    foreach (float value in vector)
                    {
                        writer.WriteFiniteValue(value);
                    }

                    writer.WriteEndArray();
                }

                writer.WriteEndArray();
            }));
        }
        else if (options.Output is null)
        {
            foreach (float[] vector in vectors)
            {
                terminal.Output.WriteLine(string.Join(' ', vector.Select(static v => v.ToString("R", CultureInfo.InvariantCulture))));
            }
        }
    }
}
