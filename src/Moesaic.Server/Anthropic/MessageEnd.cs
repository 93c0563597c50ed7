using Moesaic.Engine;

namespace Moesaic.Server.Anthropic;

/// <summary>Why an answer ended, in the protocol's words.</summary>
/// <param name="Reason">end_turn, max_tokens, stop_sequence or tool_use.</param>
/// <param name="Sequence">The stop sequence that ended it.</param>
internal readonly record struct MessageEnd(string Reason, string? Sequence)
{
    /// <param name="sample">An answer that has ended.</param>
    /// <param name="calledTools">Whether it called a tool.</param>
    public static MessageEnd Of(GenerationSample sample, bool calledTools) => Of(sample.Finish, sample.MatchedStopString, calledTools);

    /// <inheritdoc cref="Of(GenerationSample, bool)"/>
    public static MessageEnd Of(FinishReason finish, string? stopString, bool calledTools) => finish switch
    {
        FinishReason.Length => new("max_tokens", null),
        FinishReason.StopString => new("stop_sequence", stopString),
        _ => new(calledTools ? "tool_use" : "end_turn", null),
    };
}
