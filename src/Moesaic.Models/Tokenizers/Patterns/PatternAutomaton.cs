using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// A deterministic automaton that finds the same matches as backtracking does, one table look-up a character. Its states are
/// computed when they are first reached; a pattern that needs too many of them is left to backtracking.
/// </summary>
/// <remarks>Thread-safe: the table is only read without the lock, and an entry never changes once it is there.</remarks>
internal sealed class PatternAutomaton
{
    /// <summary>Result of a search that the automaton cannot do.</summary>
    public const int Unknown = -2;

    private const int MaxStates = 4096;
    private const int Dead = 0;
    private const int Start = 1;
    private const int NotYet = -1;

    private readonly Lock _lock = new();
    private readonly AutomatonBuilder _builder;
    private readonly CharacterPartition _groups;
    private readonly byte[] _basic;
    private readonly int _stride;
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<AutomatonBuilder.Thread[]> _states = [];

    // By state and group: number of the next state times two, plus one when a match ends before the character.
    private int[] _table;

    private PatternAutomaton(AutomatonBuilder builder)
    {
        _builder = builder;
        _groups = builder.Groups;
        _basic = _groups.Basic;
        _stride = _groups.Count + 1;
        _table = NewTable(16);
        NumberOf([]);
        NumberOf([new AutomatonBuilder.Thread(0, 0)]);
    }

    /// <summary>The automaton of a program; null when the program has an instruction that only backtracking can run.</summary>
    public static PatternAutomaton? Create(PatternProgram program) =>
        AutomatonBuilder.Create(program) is { } builder ? new PatternAutomaton(builder) : null;

    /// <summary>End of the match that begins at the place, -1 for none, or <see cref="Unknown"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where the match begins.</param>
    /// <param name="looked">How far the search had to look.</param>
    public int Run(ReadOnlySpan<char> text, int at, out int looked)
    {
        int[] table = Volatile.Read(ref _table);
        byte[] basic = _basic;
        int stride = _stride, state = Start, end = -1;
        while (true)
        {
            int group = stride - 1, length = 1;
            if ((uint)at < (uint)text.Length)
            {
                char unit = text[at];
                group = char.IsSurrogate(unit) ? _groups.GroupOf(UnicodeInfo.CodePointAt(text, at, out length)) : basic[unit];
            }

            int step = table[(state * stride) + group];
            if (step < 0)
            {
                step = Compute(state, group);
                table = Volatile.Read(ref _table);
                if (step < 0)
                {
                    looked = at;
                    return Unknown;
                }
            }

            if ((step & 1) != 0)
            {
                end = at;
            }

            state = step >> 1;
            if (state == Dead)
            {
                looked = at;
                return end;
            }

            at += length;
        }
    }

    private int Compute(int state, int group)
    {
        lock (_lock)
        {
            int at = (state * _stride) + group;
            if (_table[at] >= 0)
            {
                return _table[at];
            }

            int next = _builder.Step(_states[state], group, out bool matched) is { } threads ? NumberOf(threads) : -1;
            if (next < 0)
            {
                return NotYet;
            }

            int step = (next << 1) | (matched ? 1 : 0);
            Volatile.Write(ref _table[at], step);
            return step;
        }
    }

    // The number of a state, a new one if need be; -1 when there are too many.
    private int NumberOf(IReadOnlyList<AutomatonBuilder.Thread> threads)
    {
        string key = string.Create(threads.Count * 2, threads, static (span, all) =>
        {
            for (int i = 0; i < all.Count; i++)
            {
                span[2 * i] = (char)all[i].Instruction;
                span[(2 * i) + 1] = (char)all[i].Taken;
            }
        });
        if (_numbers.TryGetValue(key, out int number))
        {
            return number;
        }

        number = _states.Count;
        if (number == MaxStates)
        {
            return -1;
        }

        if ((number + 1) * _stride > _table.Length)
        {
            int[] larger = NewTable(2 * _table.Length / _stride);
            _table.CopyTo(larger, 0);
            Volatile.Write(ref _table, larger);
        }

        _states.Add([.. threads]);
        _numbers[key] = number;
        return number;
    }

    private int[] NewTable(int states)
    {
        int[] table = new int[states * _stride];
        Array.Fill(table, NotYet);
        return table;
    }
}
