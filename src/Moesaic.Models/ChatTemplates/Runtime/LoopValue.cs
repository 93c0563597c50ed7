using System.Globalization;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>The loop variable: where a for loop is. Looks one item ahead only when asked for what comes next.</summary>
internal sealed class LoopValue : CallableValue
{
    private readonly RenderContext _context;
    private readonly Func<Value, int, Value>? _recurse;
    private readonly int _depth0;
    private readonly int _knownLength;
    private IEnumerator<Value> _items;
    private int _index0 = -1;
    private int _length = -1;
    private Value? _before;
    private Value? _current;
    private Value? _after;
    private bool _peeked;
    private IReadOnlyList<Value>? _lastChanged;

    /// <param name="context">The rendering.</param>
    /// <param name="items">Items still to come.</param>
    /// <param name="knownLength">Their number, or -1 where it takes running through them.</param>
    /// <param name="recurse">Renders the loop's body over other items one level deeper; null when not recursive.</param>
    /// <param name="depth0">Level of recursion from 0.</param>
    public LoopValue(RenderContext context, IEnumerator<Value> items, int knownLength, Func<Value, int, Value>? recurse, int depth0)
    {
        _context = context;
        _items = items;
        _knownLength = knownLength;
        _recurse = recurse;
        _depth0 = depth0;
    }

    public override string Name => "loop";

    internal override string TypeName => "LoopContext";

    internal override int Length => TotalLength();

    internal override bool IsTrue => TotalLength() > 0;

    public Value? Advance()
    {
        Value? next = Peek();
        if (next is null)
        {
            return null;
        }

        _peeked = false;
        _before = _current;
        _current = next;
        _index0++;
        return next;
    }

    public override Value Call(RenderContext context, CallArguments arguments)
    {
        if (_recurse is null)
        {
            throw TemplateFault.Type("The loop must have the 'recursive' marker to be called recursively.");
        }

        Value items = arguments.Bind("loop", 1, "iterable")[0]!;
        return _recurse(items, _depth0 + 1);
    }

    public Value? Member(string name) => name switch
    {
        "index" => new IntValue(_index0 + 1),
        "index0" => new IntValue(_index0),
        "revindex" => new IntValue(TotalLength() - _index0),
        "revindex0" => new IntValue(TotalLength() - _index0 - 1),
        "first" => BoolValue.Of(_index0 == 0),
        "last" => BoolValue.Of(Peek() is null),
        "length" => new IntValue(TotalLength()),
        "depth" => new IntValue(_depth0 + 1),
        "depth0" => new IntValue(_depth0),
        "previtem" => _before ?? UndefinedValue.Because("there is no previous item"),
        "nextitem" => Peek() ?? UndefinedValue.Because("there is no next item"),
        "cycle" => new FunctionValue("cycle", Cycle, "method"),
        "changed" => new FunctionValue("changed", Changed, "method"),
        _ => null,
    };

    public string Describe() => string.Create(CultureInfo.InvariantCulture, $"<LoopContext {_index0 + 1}/{TotalLength()}>");

    private Value? Peek()
    {
        if (!_peeked)
        {
            _after = _items.MoveNext() ? _items.Current : null;
            _peeked = true;
        }

        return _after;
    }

    private int TotalLength()
    {
        if (_length >= 0)
        {
            return _length;
        }

        if (_knownLength >= 0)
        {
            return _length = _knownLength;
        }

        Value? next = Peek();
        List<Value> rest = [];
        while (_items.MoveNext())
        {
            rest.Add(_items.Current);
            if (rest.Count > _context.Limits.MaxListLength)
            {
                _context.ChargeList(rest.Count);
            }
        }

        _items = rest.GetEnumerator();
        return _length = _index0 + 1 + (next is null ? 0 : 1) + rest.Count;
    }

    private Value Cycle(RenderContext context, CallArguments arguments) => arguments.Positional.Count == 0
        ? throw TemplateFault.Type("no items for cycling given")
        : arguments.Positional[_index0 % arguments.Positional.Count];

    private BoolValue Changed(RenderContext context, CallArguments arguments)
    {
        bool same = _lastChanged is not null
            && Comparisons.AreEqual(context, new TupleValue(_lastChanged), new TupleValue(arguments.Positional));
        if (!same)
        {
            _lastChanged = arguments.Positional;
        }

        return BoolValue.Of(!same);
    }
}
