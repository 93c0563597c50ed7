using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>How a conversation starts.</summary>
internal static class Conversation
{
    public static List<ChatTurn> Begin(string? system, string? user = null)
    {
        List<ChatTurn> messages = [];
        if (system is not null)
        {
            messages.Add(new ChatTurn("system", system));
        }

        if (user is not null)
        {
            messages.Add(new ChatTurn("user", user));
        }

        return messages;
    }
}
