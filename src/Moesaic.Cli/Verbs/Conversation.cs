using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>How a conversation starts.</summary>
internal static class Conversation
{
    public static List<ChatMessage> Begin(string? system, string? user = null)
    {
        List<ChatMessage> messages = [];
        if (system is not null)
        {
            messages.Add(new ChatMessage("system", system));
        }

        if (user is not null)
        {
            messages.Add(new ChatMessage("user", user));
        }

        return messages;
    }
}
