using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// Computes the states of a <see cref="PatternAutomaton"/>. A state is a list of threads in the order in which backtracking
/// would try them; a thread is an instruction and how many members its loop has taken.
/// </summary>
/// <remarks>
/// Threads wait before the instructions that take a character or look at one, so that the next character, or the end of the
/// text, is known when they go on: a look at one character and a possessive loop need nothing else. Not thread-safe.
/// </remarks>
internal sealed class AutomatonBuilder
{
    private const int MaxCount = 1000;

    // Steps of threads, over all states; it bounds time and memory of a pattern from an untrusted file.
    private const int MaxWork = 2_000_000;

    // The set of line breaks comes first; those of the instructions follow.
    private const int NewlineSet = 0;

    private readonly PatternInstruction[] _code;
    private readonly CharacterPartition _groups;
    private readonly int[] _sets;
    private readonly Stack<Thread> _open = [];
    private readonly HashSet<Thread> _seen = [];
    private readonly List<Thread> _next = [];
    private int _work;

    private AutomatonBuilder(PatternInstruction[] code, CharacterPartition groups, int[] sets)
    {
        _code = code;
        _groups = groups;
        _sets = sets;
    }

    /// <summary>One path through the program; an exhausted lazy loop only has its next member left.</summary>
    internal readonly record struct Thread(int Instruction, int Taken, bool OnlyTakes = false);

    /// <summary>Groups of characters; the number after the last one stands for the end of the text.</summary>
    public CharacterPartition Groups => _groups;

    /// <summary>A builder for a program; null when the program has an instruction that only backtracking can run.</summary>
    public static AutomatonBuilder? Create(PatternProgram program)
    {
        if (program.Registers > 0)
        {
            return null;
        }

        List<CodePointSet> sets = [CodePointSet.OfRange('\n', '\n')];
        int[] numbers = new int[program.Code.Length];
        for (int i = 0; i < program.Code.Length; i++)
        {
            ref PatternInstruction instruction = ref program.Code[i];
            if (!Supports(program.Code, i))
            {
                return null;
            }

            if (instruction.Class is { } members)
            {
                int known = sets.IndexOf(members.Points);
                numbers[i] = known >= 0 ? known : sets.Count;
                if (known < 0)
                {
                    sets.Add(members.Points);
                }
            }
        }

        return CharacterPartition.Create(sets) is { } groups ? new AutomatonBuilder(program.Code, groups, numbers) : null;
    }

    /// <summary>The state after one more character.</summary>
    /// <param name="state">The threads of the state before.</param>
    /// <param name="group">Group of the character, or the number of groups for the end of the text.</param>
    /// <param name="matched">Whether a match ends before the character.</param>
    /// <returns>Its threads, valid until the next call; null when the work has become too much.</returns>
    public IReadOnlyList<Thread>? Step(IReadOnlyList<Thread> state, int group, out bool matched)
    {
        _open.Clear();
        _seen.Clear();
        _next.Clear();
        for (int i = state.Count - 1; i >= 0; i--)
        {
            _open.Push(state[i]);
        }

        matched = false;
        while (!matched && _open.TryPop(out Thread thread))
        {
            if (++_work > MaxWork)
            {
                return null;
            }

            if (_seen.Add(thread))
            {
                matched = Advance(thread, group);
            }
        }

        return _next;
    }

    private static bool Supports(PatternInstruction[] code, int at)
    {
        ref PatternInstruction instruction = ref code[at];
        return instruction.Op switch
        {
            PatternOp.ClassLoop or PatternOp.ClassLoopLazy or PatternOp.ClassLoopPossessive =>
                instruction.Min <= MaxCount && (instruction.Max <= MaxCount || instruction.Max == int.MaxValue),
            PatternOp.Anchor => instruction.Anchor is AnchorKind.TextEnd or AnchorKind.LineEnd,
            PatternOp.LookStart => instruction.Min == 0 && code[at + 1].Op == PatternOp.Class && code[at + 2].Op == PatternOp.LookEnd,
            PatternOp.AtomicStart or PatternOp.AtomicEnd or PatternOp.EmptyMark or PatternOp.EmptyTest => false,
            _ => true,
        };
    }

    private bool Accepts(int instruction, int group) => group < _groups.Count && _groups.Contains(group, _sets[instruction]);

    // True at a match: threads of lower rank end there.
    private bool Advance(Thread thread, int group)
    {
        int pc = thread.Instruction;
        ref PatternInstruction instruction = ref _code[pc];
        switch (instruction.Op)
        {
            case PatternOp.Class:
                if (Accepts(pc, group))
                {
                    _next.Add(new Thread(pc + 1, 0));
                }

                break;
            case PatternOp.ClassLoop or PatternOp.ClassLoopPossessive or PatternOp.ClassLoopLazy:
                AdvanceLoop(thread, ref instruction, group);
                break;
            case PatternOp.Split:
                _open.Push(new Thread(instruction.Target, 0));
                _open.Push(new Thread(pc + 1, 0));
                break;
            case PatternOp.SplitLater:
                _open.Push(new Thread(pc + 1, 0));
                _open.Push(new Thread(instruction.Target, 0));
                break;
            case PatternOp.Jump:
                _open.Push(new Thread(instruction.Target, 0));
                break;
            case PatternOp.Anchor:
                if (group == _groups.Count || (instruction.Anchor == AnchorKind.LineEnd && _groups.Contains(group, NewlineSet)))
                {
                    _open.Push(new Thread(pc + 1, 0));
                }

                break;
            case PatternOp.LookStart:
                bool negative = instruction.Max == 1;
                if (Accepts(pc + 1, group) != negative)
                {
                    _open.Push(new Thread(instruction.Target, 0));
                }

                break;
            default:
                return true;
        }

        return false;
    }

    private void AdvanceLoop(Thread thread, ref PatternInstruction loop, int group)
    {
        int pc = thread.Instruction;
        bool takes = thread.Taken < loop.Max && Accepts(pc, group);
        bool leaves = !thread.OnlyTakes && thread.Taken >= loop.Min;
        if (loop.Op == PatternOp.ClassLoopLazy && leaves && takes)
        {
            _open.Push(thread with { OnlyTakes = true });
            takes = false;
        }

        if (takes)
        {
            // Without an upper bound, only whether the lower one is reached counts.
            int taken = loop.Max == int.MaxValue ? Math.Min(thread.Taken + 1, loop.Min) : thread.Taken + 1;
            _next.Add(new Thread(pc, taken));
        }

        if (leaves && !(takes && loop.Op == PatternOp.ClassLoopPossessive))
        {
            _open.Push(new Thread(pc + 1, 0));
        }
    }
}
