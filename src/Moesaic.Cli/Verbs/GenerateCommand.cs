using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

internal static class GenerateCommand
{
    public static async Task<int> RunAsync(GenerateOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? prompt = PlainText.Single(options.Prompt, "prompt");
        options.Check(prompt is not null);
        SamplingRequest sampling = SamplingRequest.Check(options, options.Logprobs ?? 0);
        EngineOptions engine = ModelLoading.Check(options) with { ChatTemplatePath = options.ChatTemplate };
        IdsFile? ids = options.Ids is null ? null : IdsFile.Read(options.Ids);
        ids?.RefuseDecoderIds("generate");
        string? text = ids is null ? await ReadPromptAsync(options, prompt, terminal, cancellationToken).ConfigureAwait(false) : null;

        using ModelRuntime runtime = ModelLoading.Load(options, engine, terminal, cancellationToken);
        SamplingParameters parameters = sampling.Over(runtime.DefaultSampling, runtime.VocabularySize);
        if (!parameters.StopStrings.IsEmpty)
        {
            // Stop strings are sought in text: without a tokenizer this is the error that says so.
            _ = runtime.Tokenizer;
        }

        ids?.CheckIds(runtime.Description.VocabularySize);
        IReadOnlyList<IReadOnlyList<int>> prompts = ids is not null ? ids.Rows : [Encode(options, text!, runtime)];
        List<Answer> answers = Run(runtime, prompts, parameters, options.Json ? null : terminal, cancellationToken);
        if (options.Json)
        {
            terminal.Output.WriteLine(AnswerJson.Write(answers, runtime, ids is { IsNested: true }, options.Logprobs is not null));
        }

        return answers[^1].Finish == FinishReason.Cancelled ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    private static async Task<string> ReadPromptAsync(GenerateOptions options, string? prompt, Terminal terminal, CancellationToken cancellationToken)
    {
        if (prompt is not null)
        {
            return prompt;
        }

        string text = options.PromptFile is { } file
            ? Utf8Text.File("--prompt-file", file)
            : await PlainText.OrStandardInputAsync(null, terminal, cancellationToken).ConfigureAwait(false);

        // The line break that ends a file is no part of a message; plain text is continued exactly as it is.
        return options.Raw ? text : text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
    }

    private static IReadOnlyList<int> Encode(GenerateOptions options, string text, ModelRuntime runtime)
    {
        if (!options.Raw && string.IsNullOrWhiteSpace(text))
        {
            throw new UsageException("the prompt is empty");
        }

        IReadOnlyList<int> ids = options.Raw
            ? runtime.Tokenizer.Encode(text, addSpecialTokens: true)
            : runtime.EncodeChat(Conversation.Begin(options.System, text));
        return ids.Count > 0 ? ids : throw new UsageException("the prompt is empty");
    }

    /// <summary>Answers one prompt after the other; streams to the terminal when there is one.</summary>
    private static List<Answer> Run(
        ModelRuntime runtime, IReadOnlyList<IReadOnlyList<int>> prompts, SamplingParameters parameters, Terminal? terminal, CancellationToken cancellationToken)
    {
        using GenerationSession session = runtime.CreateSession();
        if (prompts.FirstOrDefault(p => p.Count > session.MaxContext) is { } tooLong)
        {
            throw new ContextExceededException(tooLong.Count, session.MaxContext);
        }

        List<Answer> answers = [];
        foreach (IReadOnlyList<int> prompt in prompts)
        {
            Answer answer = new(prompt);
            answers.Add(answer);
            foreach (GenerationEvent step in Steps(runtime, session, prompt, parameters, cancellationToken))
            {
                answer.Add(step);
                if (terminal is not null)
                {
                    terminal.Output.Write(runtime.HasTokenizer ? step.Text : step.Token is { } token ? $"{token.Id} " : "");
                    terminal.Output.Flush();
                }
            }

            answer.Timings = session.Timings;
            if (terminal is not null)
            {
                terminal.Output.WriteLine();
                terminal.Output.Flush();
                terminal.Error.WriteLine(AnswerSummary.Line(answer, runtime.LoadTime));
            }

            if (answer.Finish == FinishReason.Cancelled)
            {
                break;
            }
        }

        return answers;
    }

    private static IEnumerable<GenerationEvent> Steps(
        ModelRuntime runtime, GenerationSession session, IReadOnlyList<int> prompt, SamplingParameters parameters, CancellationToken cancellationToken) =>
        runtime.HasTokenizer
            ? new TextGenerator(session, runtime.Tokenizer).Generate(prompt, parameters, cancellation: cancellationToken)
            : StepsOfIds(session, prompt, parameters, cancellationToken);

    private static IEnumerable<GenerationEvent> StepsOfIds(
        GenerationSession session, IReadOnlyList<int> prompt, SamplingParameters parameters, CancellationToken cancellationToken)
    {
        session.Begin([.. prompt], parameters);
        while (session.TryNext(out GeneratedToken token, cancellationToken))
        {
            yield return new GenerationEvent("", token, parameters.TopLogprobs > 0 ? session.Alternatives() : [], token.Finish);
        }

        if (session.Finish == FinishReason.Cancelled)
        {
            yield return new GenerationEvent("", null, [], FinishReason.Cancelled);
        }
    }
}
