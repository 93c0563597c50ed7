namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// Backtracking search with its own stack. A state is an instruction and a place: what follows from it depends on nothing
/// else, so a state that failed once fails always. Greedy runs remember the stretch in which they failed from the start; once
/// a search becomes long, every choice is remembered, which makes it linear in the length of the text.
/// </summary>
/// <remarks>Not thread-safe; one instance a thread is reused.</remarks>
internal sealed partial class PatternMatcher
{
    private const int FrameSize = 4;
    private const int MaxStack = 1 << 26;
    private const long MaxMemoBits = 1L << 31;

    [ThreadStatic]
    private static PatternMatcher? s_spare;

    private PatternProgram _program = null!;
    private int[] _stack = new int[256];
    private int _top;
    private int _mark;
    private int[] _registers = [];
    private int[] _failedFrom = [];
    private int[] _failedTo = [];
    private int[] _runFrom = [];
    private int[] _runTo = [];
    private ulong[]? _memo;
    private int _memoStride;
    private long _steps;
    private long _memoAt;
    private long _maxSteps;

    private enum Frame
    {
        Choice,
        Greedy,
        Lazy,
        AtomicMark,
        LookMark,
        Failed,
        Register,
    }

    public static PatternMatcher Rent(PatternProgram program, int textLength)
    {
        PatternMatcher matcher = s_spare ?? new PatternMatcher();
        s_spare = null;
        matcher.Reset(program, textLength);
        return matcher;
    }

    public void Return()
    {
        if (_stack.Length > 1 << 20)
        {
            _stack = new int[256];
        }

        _memo = null;
        s_spare = this;
    }

    /// <summary>The first match that starts at or after a place.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        FirstMask first = _program.First;
        for (start = from; start <= text.Length; start++)
        {
            if (first.Admits(text, start))
            {
                end = Run(text, start);
                if (end >= 0)
                {
                    return true;
                }
            }

            if (start + 1 < text.Length && char.IsHighSurrogate(text[start]) && char.IsLowSurrogate(text[start + 1]))
            {
                start++;
            }
        }

        end = start = -1;
        return false;
    }

    private void Reset(PatternProgram program, int textLength)
    {
        _program = program;
        _memo = null;
        _memoStride = textLength + 1;
        _steps = 0;
        _memoAt = (16L * textLength) + 10_000;
        _maxSteps = (200L * textLength) + 5_000_000;
        if (_registers.Length < program.Registers)
        {
            _registers = new int[program.Registers];
        }

        if (_failedFrom.Length < program.LoopSlots)
        {
            _failedFrom = new int[program.LoopSlots];
            _failedTo = new int[program.LoopSlots];
            _runFrom = new int[program.LoopSlots];
            _runTo = new int[program.LoopSlots];
        }

        Array.Fill(_failedTo, -1, 0, program.LoopSlots);
        Array.Clear(_runTo, 0, program.LoopSlots);
        Array.Fill(_registers, -1, 0, program.Registers);
    }

    // End of the match that starts at the place, or -1.
    private int Run(ReadOnlySpan<char> text, int at)
    {
        PatternInstruction[] code = _program.Code;
        int pc = 0;
        _top = 0;
        _mark = -1;
        while (true)
        {
            ref PatternInstruction instruction = ref code[pc];
            switch (instruction.Op)
            {
                case PatternOp.Class:
                    int length = at < text.Length ? instruction.Class!.MatchAt(text, at) : 0;
                    if (length == 0)
                    {
                        goto Fail;
                    }

                    at += length;
                    pc++;
                    continue;
                case PatternOp.ClassLoop:
                    if ((at >= _failedFrom[instruction.Target] && at <= _failedTo[instruction.Target]) || !RunLoop(text, ref instruction, pc, ref at))
                    {
                        goto Fail;
                    }

                    pc++;
                    continue;
                case PatternOp.ClassLoopPossessive:
                    if (!Consume(text, ref instruction, instruction.Max, ref at, out _, out int taken) && taken < instruction.Min)
                    {
                        goto Fail;
                    }

                    pc++;
                    continue;
                case PatternOp.ClassLoopLazy:
                    if (!Consume(text, ref instruction, instruction.Min, ref at, out _, out _))
                    {
                        goto Fail;
                    }

                    if (instruction.Max > instruction.Min)
                    {
                        Push(Frame.Lazy, pc, at, instruction.Min, 0);
                    }

                    pc++;
                    continue;
                case PatternOp.Split:
                    if (!instruction.NextMask.Admits(text, at))
                    {
                        pc = instruction.Target;
                        continue;
                    }

                    if (instruction.TargetMask.Admits(text, at) && !PushChoice(ref instruction, instruction.Target, at))
                    {
                        goto Fail;
                    }

                    pc++;
                    continue;
                case PatternOp.SplitLater:
                    if (instruction.NextMask.Admits(text, at) && !PushChoice(ref instruction, pc + 1, at))
                    {
                        goto Fail;
                    }

                    pc = instruction.Target;
                    continue;
                case PatternOp.Jump:
                    pc = instruction.Target;
                    continue;
                case PatternOp.Anchor:
                    if (!Holds(instruction.Anchor, text, at))
                    {
                        goto Fail;
                    }

                    pc++;
                    continue;
                case PatternOp.AtomicStart:
                    Push(Frame.AtomicMark, pc, _mark, 0, 0);
                    _mark = _top - FrameSize;
                    pc++;
                    continue;
                case PatternOp.AtomicEnd:
                    _top = _mark;
                    _mark = _stack[_top + 1];
                    pc++;
                    continue;
                case PatternOp.LookStart:
                    Push(Frame.LookMark, pc, at, _mark, 0);
                    _mark = _top - FrameSize;
                    if (!StepBack(text, instruction.Min, ref at))
                    {
                        goto Fail;
                    }

                    pc++;
                    continue;
                case PatternOp.LookEnd:
                    _top = _mark;
                    int look = _stack[_top] >> 3;
                    at = _stack[_top + 1];
                    _mark = _stack[_top + 2];
                    if (code[look].Max == 1)
                    {
                        goto Fail;
                    }

                    pc = code[look].Target;
                    continue;
                case PatternOp.EmptyMark:
                    Push(Frame.Register, instruction.Min, _registers[instruction.Min], 0, 0);
                    _registers[instruction.Min] = at;
                    pc++;
                    continue;
                case PatternOp.EmptyTest:
                    pc = _registers[instruction.Min] == at ? instruction.Target : pc + 1;
                    continue;
                default:
                    return at;
            }

        Fail:
            if (!Backtrack(text, code, ref pc, ref at))
            {
                return -1;
            }
        }
    }
}
