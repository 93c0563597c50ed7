using Moesaic.Cli.Hosting;
using Moesaic.Engine;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Cli.Verbs;

internal static class ChatCommand
{
    private const string Commands = "/reset forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer, /help shows this";

    public static async Task<int> RunAsync(ChatOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        SamplingRequest sampling = SamplingRequest.Check(options);
        EngineOptions engine = ModelLoading.Check(options) with { ChatTemplatePath = options.ChatTemplate };
        using ModelRuntime runtime = ModelLoading.Load(options, engine, terminal, cancellationToken);
        SamplingParameters parameters = sampling.Over(runtime.DefaultSampling, runtime.VocabularySize);
        if (runtime.ChatTemplate is null)
        {
            throw new ModelFormatException(runtime.Name, "chat template", "the model has none; give one with --chat-template, or use generate --raw.");
        }

        using TextGenerator generator = runtime.CreateGenerator();
        using ChatInterrupts interrupts = new();
        return await TalkAsync(options, runtime, generator, parameters, terminal, interrupts).ConfigureAwait(false);
    }

    private static async Task<int> TalkAsync(
        ChatOptions options, ModelRuntime runtime, TextGenerator generator, SamplingParameters parameters, Terminal terminal, ChatInterrupts interrupts)
    {
        bool interactive = !Terminal.HasPipedInput;
        List<ChatTurn> messages = Conversation.Begin(options.System);
        int code = ExitCodes.Success;
        if (interactive)
        {
            terminal.Error.WriteLine($"{Path.GetFileName(Path.TrimEndingDirectorySeparator(runtime.Name))}, {AnswerSummary.Loaded(runtime.LoadTime)}: {Commands}");
        }

        while (true)
        {
            if (interactive)
            {
                terminal.Output.Write("> ");
                terminal.Flush();
            }

            string? line;
            try
            {
                line = await terminal.ReadLineAsync(interrupts.Leave).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                terminal.Output.WriteLine();
                return ExitCodes.Interrupted;
            }
            catch (FormatException exception)
            {
                terminal.Fail(exception.Message);
                code = ExitCodes.BadUsage;
                continue;
            }

            switch (line?.Trim())
            {
                case null:
                    if (interactive)
                    {
                        terminal.Output.WriteLine();
                    }

                    return code;
                case "":
                    continue;
                case "/exit":
                    return code;
                case "/help":
                    terminal.Error.WriteLine(Commands);
                    continue;
                case "/reset":
                    messages = Conversation.Begin(options.System);
                    terminal.Error.WriteLine("the conversation is forgotten");
                    continue;
                case ['/', ..] command when !command.Contains(' ', StringComparison.Ordinal):
                    terminal.Fail($"unknown command {command}: {Commands}");
                    continue;
            }

            try
            {
                Answer answer = Reply(runtime, generator, messages, line, parameters, terminal, interrupts);
                if (interactive)
                {
                    terminal.Error.WriteLine(AnswerSummary.Line(answer));
                }
            }
            catch (Exception exception) when (exception is ContextExceededException or ChatTemplateException)
            {
                // The turn is dropped and the conversation goes on as it was.
                terminal.Fail(exception.Message);
                code = ExitCodes.RunFailure;
            }

            if (interrupts.Leave.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
        }
    }

    /// <summary>One turn; both sides of it are added to the messages when there is an answer, also a stopped one.</summary>
    private static Answer Reply(
        ModelRuntime runtime, TextGenerator generator, List<ChatTurn> messages, string line, SamplingParameters parameters, Terminal terminal, ChatInterrupts interrupts)
    {
        ChatTurn turn = new("user", line);
        IReadOnlyList<int> ids = runtime.EncodeChat([.. messages, turn]);
        Answer answer = new(ids);
        try
        {
            foreach (GenerationEvent step in generator.Generate(ids, parameters, cancellation: interrupts.BeginAnswer()))
            {
                answer.Add(step);
                terminal.Output.Write(step.Text);
                terminal.Output.Flush();
            }
        }
        finally
        {
            interrupts.EndAnswer();
        }

        terminal.Output.WriteLine();
        terminal.Output.Flush();
        answer.Timings = generator.Timings;
        if (answer.Text.Length > 0)
        {
            messages.Add(turn);
            messages.Add(new ChatTurn("assistant", answer.Text));
        }

        return answer;
    }
}
