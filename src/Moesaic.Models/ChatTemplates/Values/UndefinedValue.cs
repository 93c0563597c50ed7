using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>What an absent name, attribute or item gives: prints as nothing, fails when used.</summary>
internal sealed class UndefinedValue : Value
{
    private readonly string? _name;
    private readonly string? _hint;
    private readonly Value? _owner;
    private readonly string _errorName;

    private UndefinedValue(string? name, string? hint, Value? owner, string errorName)
    {
        _name = name;
        _hint = hint;
        _owner = owner;
        _errorName = errorName;
    }

    internal override string TypeName => "Undefined";

    internal override bool IsTrue => false;

    internal override int Length => 0;

    public static UndefinedValue Variable(string name) => new(name, null, null, "UndefinedError");

    public static UndefinedValue Because(string hint) => new(null, hint, null, "UndefinedError");

    public static UndefinedValue Member(Value owner, string name) => new(name, null, owner, "UndefinedError");

    public static UndefinedValue Element(Value owner, string key) =>
        new(null, $"{Describe(owner)} has no element {key}", null, "UndefinedError");

    /// <summary>A method that would change its object, or a private attribute: an error as soon as it is used.</summary>
    public static UndefinedValue Forbidden(Value owner, string name) =>
        new(name, $"access to attribute '{name}' of '{owner.TypeName}' object is unsafe.", null, "SecurityError");

    /// <summary>The error that using this value raises.</summary>
    public TemplateFault Fault() => TemplateFault.Runtime(_errorName, Message());

    internal override IEnumerator<Value> TryIterate() => Enumerable.Empty<Value>().GetEnumerator();

    private static string Describe(Value owner) => owner switch
    {
        NoneValue => "None",
        NamespaceValue => "jinja2.utils.Namespace object",
        _ => owner.TypeName + " object",
    };

    private string Message()
    {
        if (_hint is not null)
        {
            return _hint;
        }

        return _owner is null ? $"'{_name}' is undefined" : $"'{Describe(_owner)}' has no attribute '{_name}'";
    }
}
