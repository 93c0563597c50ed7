using System.Runtime.CompilerServices;
using System.Text;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>What one rendering has used up so far, and where it is.</summary>
internal sealed class RenderContext(ChatTemplateLimits limits, DateTime now)
{
    private long _stepsLeft = limits.MaxSteps;
    private int _callDepth;

    public ChatTemplateLimits Limits { get; } = limits;

    public DateTime Now { get; } = now;

    /// <summary>Line of the node being evaluated: where an error is reported.</summary>
    public int Line { get; set; }

    /// <summary>Accounts for work; fails when the steps are used up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Charge(long steps)
    {
        _stepsLeft -= steps;
        if (_stepsLeft < 0)
        {
            ThrowSteps();
        }
    }

    /// <summary>Accounts for making or reading a text; called before the work where the size is known beforehand.</summary>
    public void ChargeText(long length)
    {
        if (length > Limits.MaxOutputLength)
        {
            throw TemplateFault.Limit($"a text of {length} characters exceeds the limit of {Limits.MaxOutputLength}");
        }

        Charge(length / 16);
    }

    /// <summary>Accounts for a list about to be made.</summary>
    public void ChargeList(long length)
    {
        if (length > Limits.MaxListLength)
        {
            throw TemplateFault.Limit($"a list of {length} items exceeds the limit of {Limits.MaxListLength}");
        }

        Charge(length / 4);
    }

    public void Append(StringBuilder output, string text)
    {
        ChargeText((long)output.Length + text.Length > Limits.MaxOutputLength ? (long)output.Length + text.Length : text.Length);
        output.Append(text);
    }

    public void EnterCall(string what)
    {
        if (++_callDepth > Limits.MaxCallDepth)
        {
            throw TemplateFault.Limit($"calls nest deeper than {Limits.MaxCallDepth} at {what}");
        }

        CheckStack();
    }

    public void LeaveCall() => _callDepth--;

    /// <summary>The last guard of the stack, should nesting within the counted limits still be too much for a small one.</summary>
    public static void CheckStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TemplateFault.Limit("the template nests too deep for the stack");
        }
    }

    private void ThrowSteps() => throw TemplateFault.Limit($"the limit of {Limits.MaxSteps} steps is used up");
}
