using System.Runtime.CompilerServices;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <content>Loops, choices and what happens when a path fails.</content>
internal sealed partial class PatternMatcher
{
    private static readonly Lazy<CharacterClass> WordClass = new(() => new CharacterClass(PropertyNames.Word));

    private static bool Holds(AnchorKind kind, ReadOnlySpan<char> text, int at) => kind switch
    {
        AnchorKind.TextStart => at == 0,
        AnchorKind.TextEnd => at == text.Length,
        AnchorKind.LineStart => at == 0 || (text[at - 1] == '\n' && at < text.Length),
        AnchorKind.LineEnd => at == text.Length || text[at] == '\n',
        AnchorKind.TextEndOrLastNewline => at == text.Length || (at == text.Length - 1 && text[at] == '\n'),
        AnchorKind.WordBorder => IsWordBorder(text, at),
        _ => !IsWordBorder(text, at),
    };

    private static bool IsWordBorder(ReadOnlySpan<char> text, int at)
    {
        int before = at;
        bool wordBefore = StepBack(text, 1, ref before) && WordClass.Value.MatchAt(text, before) > 0;
        bool wordAfter = at < text.Length && WordClass.Value.MatchAt(text, at) > 0;
        return wordBefore != wordAfter;
    }

    // Goes back by code points; false at the start of the text.
    private static bool StepBack(ReadOnlySpan<char> text, int count, ref int at)
    {
        for (; count > 0; count--)
        {
            if (at == 0)
            {
                return false;
            }

            at -= at > 1 && char.IsLowSurrogate(text[at - 1]) && char.IsHighSurrogate(text[at - 2]) ? 2 : 1;
        }

        return true;
    }

    // Takes up to a number of members; false when there were fewer. minEnd is the place after the loop's least number. A run
    // known to reach from knownFrom to knownTo is not walked again.
    private bool Consume(ReadOnlySpan<char> text, ref PatternInstruction loop, int most, ref int at, out int minEnd, out int taken, int knownFrom = -1, int knownTo = -1)
    {
        CharacterClass members = loop.Class!;
        int start = at, min = loop.Min;
        minEnd = at;
        taken = 0;
        while (taken < most && at < text.Length)
        {
            int length = members.MatchAt(text, at);
            if (length == 0)
            {
                break;
            }

            at += length;
            if (++taken == min)
            {
                minEnd = at;
            }

            if (at == knownFrom && knownTo > at && taken >= min)
            {
                at = knownTo;
                break;
            }
        }

        _steps += (at - start) >> 3;
        return taken == most;
    }

    private bool RunLoop(ReadOnlySpan<char> text, ref PatternInstruction loop, int pc, ref int at)
    {
        int slot = loop.Target, start = at, minEnd;
        if (start >= _runFrom[slot] && start < _runTo[slot] && loop.Min <= 1)
        {
            // Inside a run that was scanned before: it ends where that one ended.
            minEnd = start;
            if (loop.Min == 1)
            {
                minEnd += loop.Class!.MatchAt(text, start);
            }

            at = _runTo[slot];
        }
        else
        {
            bool open = loop.Max == int.MaxValue;
            Consume(text, ref loop, loop.Max, ref at, out minEnd, out int taken, open ? _runFrom[slot] : -1, _runTo[slot]);
            if (taken < loop.Min)
            {
                return false;
            }

            if (open)
            {
                _runFrom[slot] = start;
                _runTo[slot] = at;
            }
        }

        if (_failedTo[slot] == at)
        {
            // From _failedFrom to the end of the run everything failed before: only shorter runs are left to try.
            if (minEnd < _failedFrom[slot])
            {
                Push(Frame.Greedy, pc, minEnd, _failedFrom[slot], at);
            }

            return false;
        }

        if (at > minEnd)
        {
            Push(Frame.Greedy, pc, minEnd, at, at);
        }

        return true;
    }

    private bool PushChoice(ref PatternInstruction split, int later, int at)
    {
        if (_memo is not null)
        {
            if (IsRemembered(split.MemoSlot, at))
            {
                return false;
            }

            Push(Frame.Failed, split.MemoSlot, at, 0, 0);
        }

        Push(Frame.Choice, later, at, 0, 0);
        return true;
    }

    private bool Backtrack(ReadOnlySpan<char> text, PatternInstruction[] code, ref int pc, ref int at)
    {
        if (++_steps > _memoAt)
        {
            Harden(text.Length);
        }

        while (_top > 0)
        {
            int[] stack = _stack;
            int frame = _top - FrameSize;
            int number = stack[frame] >> 3;
            switch ((Frame)(stack[frame] & 7))
            {
                case Frame.Choice:
                    _top = frame;
                    pc = number;
                    at = stack[frame + 1];
                    return true;
                case Frame.Greedy:
                    if (GiveBack(text, code, frame, number, ref at))
                    {
                        pc = number + 1;
                        return true;
                    }

                    break;
                case Frame.Lazy:
                    at = stack[frame + 1];
                    int length = at < text.Length ? code[number].Class!.MatchAt(text, at) : 0;
                    if (length == 0)
                    {
                        _top = frame;
                        break;
                    }

                    at += length;
                    stack[frame + 1] = at;
                    if (++stack[frame + 2] >= code[number].Max)
                    {
                        _top = frame;
                    }

                    pc = number + 1;
                    return true;
                case Frame.AtomicMark:
                    _top = frame;
                    _mark = stack[frame + 1];
                    break;
                case Frame.LookMark:
                    _top = frame;
                    at = stack[frame + 1];
                    _mark = stack[frame + 2];
                    if (code[number].Max == 1)
                    {
                        pc = code[number].Target;
                        return true;
                    }

                    break;
                case Frame.Failed:
                    _top = frame;
                    Remember(number, stack[frame + 1]);
                    break;
                default:
                    _top = frame;
                    _registers[number] = stack[frame + 1];
                    break;
            }
        }

        return false;
    }

    // One member less for a greedy run; false once it holds its least number and everything after it failed.
    private bool GiveBack(ReadOnlySpan<char> text, PatternInstruction[] code, int frame, int pc, ref int at)
    {
        int[] stack = _stack;
        int least = stack[frame + 1];
        ref PatternInstruction next = ref code[pc + 1];
        bool known = next.Op == PatternOp.Class;
        int place = stack[frame + 2];
        while (place > least)
        {
            StepBack(text, 1, ref place);
            if (known && next.Class!.MatchAt(text, place) == 0)
            {
                _steps++;
                continue;
            }

            stack[frame + 2] = place;
            at = place;
            return true;
        }

        _top = frame;
        RememberLoop(ref code[pc], least, stack[frame + 3]);
        return false;
    }

    // Entering the loop anywhere inside a run that failed leads to places that all failed already.
    private void RememberLoop(ref PatternInstruction loop, int from, int to)
    {
        if (_program.Registers == 0 && loop.Max == int.MaxValue)
        {
            _failedFrom[loop.Target] = from;
            _failedTo[loop.Target] = to;
        }
    }

    private bool IsRemembered(int slot, int at)
    {
        long bit = ((long)slot * _memoStride) + at;
        return (_memo![bit >> 6] >> (int)(bit & 63) & 1) != 0;
    }

    private void Remember(int slot, int at)
    {
        long bit = ((long)slot * _memoStride) + at;
        _memo![bit >> 6] |= 1UL << (int)(bit & 63);
    }

    private void Harden(int textLength)
    {
        long bits = (long)_program.MemoSlots * _memoStride;
        if (_memo is null && _program.Registers == 0 && bits is > 0 and <= MaxMemoBits)
        {
            _memo = new ulong[(bits >> 6) + 1];
        }

        if (_steps > _maxSteps)
        {
            throw new TokenizationException($"the pattern '{_program.Pattern}' needs more than {_maxSteps} steps on a text of {textLength} characters");
        }

        _memoAt = _steps + 10_000;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Push(Frame kind, int number, int a, int b, int c)
    {
        if (_top + FrameSize > _stack.Length)
        {
            Grow();
        }

        int[] stack = _stack;
        int top = _top;
        stack[top] = (number << 3) | (int)kind;
        stack[top + 1] = a;
        stack[top + 2] = b;
        stack[top + 3] = c;
        _top = top + FrameSize;
    }

    private void Grow()
    {
        if (_stack.Length >= MaxStack)
        {
            throw new TokenizationException($"the pattern '{_program.Pattern}' needs too many choices on this text");
        }

        Array.Resize(ref _stack, _stack.Length * 2);
    }
}
