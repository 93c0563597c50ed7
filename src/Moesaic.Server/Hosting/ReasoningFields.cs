namespace Moesaic.Server;

/// <summary>By which names OpenAI's chat completions tell thinking; clients differ in the one they know.</summary>
public enum ReasoningFields
{
    /// <summary>Both, with the same text.</summary>
    Both,

    /// <summary><c>reasoning</c>, as newer vLLM.</summary>
    Reasoning,

    /// <summary><c>reasoning_content</c>, as llama.cpp, SGLang and DeepSeek.</summary>
    ReasoningContent,
}
