using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>Turns a syntax tree into a program. Counted groups are written out, so states need no counters.</summary>
internal sealed class PatternCompiler
{
    private const int MaxInstructions = 20_000;

    private readonly string _pattern;
    private readonly List<PatternInstruction> _code = [];
    private readonly Dictionary<CodePointSet, CharacterClass> _classes = [];
    private int _memoSlots, _loopSlots, _registers;

    private PatternCompiler(string pattern) => _pattern = pattern;

    public static PatternProgram Compile(string pattern, PatternNode root)
    {
        PatternCompiler compiler = new(pattern);
        compiler.Emit(root);
        compiler.Add(new PatternInstruction { Op = PatternOp.Match });
        return new PatternProgram(pattern, [.. compiler._code], compiler.First(root), compiler._memoSlots, compiler._loopSlots, compiler._registers);
    }

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= MaxInstructions)
        {
            throw new PatternSyntaxException(_pattern, 0, $"the pattern needs more than {MaxInstructions} instructions");
        }

        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.Set set:
                Add(new PatternInstruction { Op = PatternOp.Class, Class = ClassOf(set.Points) });
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode part in sequence.Parts)
                {
                    Emit(part);
                }

                break;
            case PatternNode.Alternation alternation:
                EmitAlternation(alternation.Choices);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.Atomic atomic:
                Add(new PatternInstruction { Op = PatternOp.AtomicStart });
                Emit(atomic.Body);
                Add(new PatternInstruction { Op = PatternOp.AtomicEnd });
                break;
            case PatternNode.Look look:
                EmitLook(look);
                break;
            case PatternNode.Anchor anchor:
                Add(new PatternInstruction { Op = PatternOp.Anchor, Anchor = anchor.Kind });
                break;
            default:
                throw new InvalidOperationException($"no code for {node.GetType().Name}");
        }
    }

    private void EmitAlternation(IReadOnlyList<PatternNode> choices)
    {
        List<int> jumps = [];
        for (int i = 0; i < choices.Count; i++)
        {
            int split = -1;
            if (i + 1 < choices.Count)
            {
                FirstMask rest = FirstMask.Nothing;
                for (int j = i + 1; j < choices.Count; j++)
                {
                    rest = rest.Or(First(choices[j]));
                }

                split = AddSplit(PatternOp.Split, First(choices[i]), rest);
            }

            Emit(choices[i]);
            if (split >= 0)
            {
                jumps.Add(Add(new PatternInstruction { Op = PatternOp.Jump }));
                SetTarget(split);
            }
        }

        foreach (int jump in jumps)
        {
            SetTarget(jump);
        }
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        int max = repeat.Max < 0 ? int.MaxValue : repeat.Max;
        if (max == 0)
        {
            return;
        }

        if (repeat.Body is PatternNode.Set set)
        {
            PatternOp op = repeat.Kind switch
            {
                RepeatKind.Greedy => PatternOp.ClassLoop,
                RepeatKind.Lazy => PatternOp.ClassLoopLazy,
                _ => PatternOp.ClassLoopPossessive,
            };
            Add(new PatternInstruction { Op = op, Class = ClassOf(set.Points), Min = repeat.Min, Max = max, Target = _loopSlots++ });
            return;
        }

        if (repeat.Kind == RepeatKind.Possessive)
        {
            Add(new PatternInstruction { Op = PatternOp.AtomicStart });
        }

        for (int i = 0; i < repeat.Min; i++)
        {
            Emit(repeat.Body);
        }

        if (max == int.MaxValue)
        {
            EmitOpenLoop(repeat);
        }
        else
        {
            EmitOptional(repeat, max - repeat.Min);
        }

        if (repeat.Kind == RepeatKind.Possessive)
        {
            Add(new PatternInstruction { Op = PatternOp.AtomicEnd });
        }
    }

    private void EmitOpenLoop(PatternNode.Repeat repeat)
    {
        FirstMask body = First(repeat.Body);
        int start = AddSplit(repeat.Kind == RepeatKind.Lazy ? PatternOp.SplitLater : PatternOp.Split, body, FirstMask.Anything);
        int register = -1;
        if (body.Empty)
        {
            register = _registers++;
            Add(new PatternInstruction { Op = PatternOp.EmptyMark, Min = register });
        }

        Emit(repeat.Body);
        int test = register < 0 ? -1 : Add(new PatternInstruction { Op = PatternOp.EmptyTest, Min = register });
        Add(new PatternInstruction { Op = PatternOp.Jump, Target = start });
        SetTarget(start);
        if (test >= 0)
        {
            SetTarget(test);
        }
    }

    private void EmitOptional(PatternNode.Repeat repeat, int count)
    {
        List<int> splits = [];
        for (int i = 0; i < count; i++)
        {
            splits.Add(AddSplit(repeat.Kind == RepeatKind.Lazy ? PatternOp.SplitLater : PatternOp.Split, First(repeat.Body), FirstMask.Anything));
            Emit(repeat.Body);
        }

        foreach (int split in splits)
        {
            SetTarget(split);
        }
    }

    private void EmitLook(PatternNode.Look look)
    {
        if (!look.Behind)
        {
            EmitLookBody(look.Body, 0, look.Negative);
            return;
        }

        // Each alternative of a lookbehind steps back by its own fixed length.
        IReadOnlyList<PatternNode> choices = look.Body is PatternNode.Alternation alternation ? alternation.Choices : [look.Body];
        if (look.Negative)
        {
            foreach (PatternNode choice in choices)
            {
                EmitLookBody(choice, FixedLength(choice), true);
            }

            return;
        }

        List<int> jumps = [];
        for (int i = 0; i < choices.Count; i++)
        {
            int split = i + 1 < choices.Count ? AddSplit(PatternOp.Split, FirstMask.Anything, FirstMask.Anything) : -1;
            EmitLookBody(choices[i], FixedLength(choices[i]), false);
            if (split >= 0)
            {
                jumps.Add(Add(new PatternInstruction { Op = PatternOp.Jump }));
                SetTarget(split);
            }
        }

        foreach (int jump in jumps)
        {
            SetTarget(jump);
        }
    }

    private void EmitLookBody(PatternNode body, int back, bool negative)
    {
        int start = Add(new PatternInstruction { Op = PatternOp.LookStart, Min = back, Max = negative ? 1 : 0 });
        Emit(body);
        Add(new PatternInstruction { Op = PatternOp.LookEnd });
        SetTarget(start);
    }

    private int AddSplit(PatternOp op, FirstMask next, FirstMask target) =>
        Add(new PatternInstruction { Op = op, NextMask = next, TargetMask = target, MemoSlot = _memoSlots++ });

    private void SetTarget(int at)
    {
        PatternInstruction instruction = _code[at];
        instruction.Target = _code.Count;
        _code[at] = instruction;
    }

    private CharacterClass ClassOf(CodePointSet points)
    {
        if (!_classes.TryGetValue(points, out CharacterClass? made))
        {
            _classes[points] = made = new CharacterClass(points);
        }

        return made;
    }

    private FirstMask First(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.Set set:
                CharacterClass made = ClassOf(set.Points);
                return new FirstMask(made.AsciiLow, made.AsciiHigh, made.HasNonAscii, false);
            case PatternNode.Alternation alternation:
                return alternation.Choices.Aggregate(FirstMask.Nothing, (mask, choice) => mask.Or(First(choice)));
            case PatternNode.Atomic atomic:
                return First(atomic.Body);
            case PatternNode.Repeat repeat:
                FirstMask body = repeat.Max == 0 ? new FirstMask(0, 0, false, true) : First(repeat.Body);
                return repeat.Min == 0 ? body with { Empty = true } : body;
            case PatternNode.Sequence sequence:
                FirstMask result = new(0, 0, false, true);
                foreach (PatternNode part in sequence.Parts)
                {
                    result = (result with { Empty = false }).Or(First(part));
                    if (!result.Empty)
                    {
                        break;
                    }
                }

                return result;
            default:
                // Zero-width things say nothing about what follows them.
                return new FirstMask(0, 0, false, true);
        }
    }

    private int FixedLength(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.Set:
                return 1;
            case PatternNode.Anchor or PatternNode.Look:
                return 0;
            case PatternNode.Atomic atomic:
                return FixedLength(atomic.Body);
            case PatternNode.Sequence sequence:
                return sequence.Parts.Sum(FixedLength);
            case PatternNode.Repeat repeat when repeat.Min == repeat.Max:
                return checked(FixedLength(repeat.Body) * repeat.Min);
            case PatternNode.Alternation alternation when alternation.Choices.Select(FixedLength).Distinct().Count() == 1:
                return FixedLength(alternation.Choices[0]);
            default:
                throw new PatternSyntaxException(_pattern, 0, "a lookbehind needs alternatives of fixed length");
        }
    }
}
