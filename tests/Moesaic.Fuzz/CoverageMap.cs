using System.Runtime.InteropServices;

namespace Moesaic.Fuzz;

/// <summary>
/// The branches that SharpFuzz's instrumentation counts, and which of them were ever taken how often (in the classes
/// 1, 2, 3, 4-7, 8-15, 16-31, 32-127 and more, as AFL does).
/// </summary>
internal sealed unsafe class CoverageMap : IDisposable
{
    private const int Size = 1 << 16;

    private readonly byte* _hits = (byte*)NativeMemory.AllocZeroed(Size);
    private readonly byte[] _seen = new byte[Size];

    public CoverageMap() => SharpFuzz.Common.Trace.SharedMem = _hits;

    /// <summary>Branches taken by any input so far; 0 when nothing is instrumented.</summary>
    public int Branches { get; private set; }

    public void Dispose() => NativeMemory.Free(_hits);

    /// <summary>Forgets the last input's branches.</summary>
    public void Start()
    {
        new Span<byte>(_hits, Size).Clear();
        SharpFuzz.Common.Trace.PrevLocation = 0;
    }

    /// <summary>Whether the input since <see cref="Start"/> took a branch, or a number of times, that is new.</summary>
    public bool Finish()
    {
        bool isNew = false;
        ReadOnlySpan<byte> hits = new(_hits, Size);
        for (int at = hits.IndexOfAnyExcept((byte)0); at >= 0;)
        {
            byte kind = Classify(hits[at]);
            if ((_seen[at] & kind) == 0)
            {
                Branches += _seen[at] == 0 ? 1 : 0;
                _seen[at] |= kind;
                isNew = true;
            }

            int next = hits[(at + 1)..].IndexOfAnyExcept((byte)0);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return isNew;
    }

    private static byte Classify(byte hits) => hits switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
