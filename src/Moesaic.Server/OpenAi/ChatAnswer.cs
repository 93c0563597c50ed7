using System.Text;
using Moesaic.Engine;
using Moesaic.Server.Chat;

namespace Moesaic.Server.OpenAi;

/// <summary>A tool call of a whole answer.</summary>
internal sealed record ChatAnswerCall(string Id, string Name)
{
    public StringBuilder Arguments { get; } = new();
}

/// <summary>A whole answer, put together from the same steps that a stream shows.</summary>
internal sealed class ChatAnswer
{
    public StringBuilder Content { get; } = new();

    public StringBuilder Reasoning { get; } = new();

    public List<ChatAnswerCall> Calls { get; } = [];

    /// <summary>The tokens drawn; empty unless they are wanted.</summary>
    public List<TokenLogprob> Tokens { get; } = [];

    /// <summary>Adds the current step of the stream.</summary>
    public void Add(ChatStream stream, bool keepTokens)
    {
        foreach (ReplyPart part in stream.Parts)
        {
            switch (part.Kind)
            {
                case ReplyPartKind.Content:
                    Content.Append(part.Text);
                    break;
                case ReplyPartKind.Reasoning:
                    Reasoning.Append(part.Text);
                    break;
                case ReplyPartKind.ToolCallBegin:
                    Calls.Add(new ChatAnswerCall(part.ToolId!, part.ToolName!));
                    break;
                case ReplyPartKind.ToolCallArguments:
                    Calls[^1].Arguments.Append(part.Text);
                    break;
            }
        }

        if (keepTokens && stream.Event.Token is { } token)
        {
            Tokens.Add(new TokenLogprob(token.Id, token.Logprob, stream.Event.Alternatives));
        }
    }
}
