namespace Moesaic.Scheduling;

/// <summary>One sample of a request: its tokens and where it stands. Belongs to the scheduler's thread.</summary>
public sealed class Sequence
{
    // Longer generations double this when they get there; all others never allocate while they run.
    private const int FirstCapacity = 4096;

    private int[] _generated;
    private int _preemptedIndex = -1;

    internal Sequence(Request request, int sample)
    {
        Request = request;
        Sample = sample;
        _generated = new int[Math.Min(request.MaxTokens, FirstCapacity)];
    }

    public Request Request { get; }

    /// <summary>Index among the request's samples.</summary>
    public int Sample { get; }

    public SequenceState State { get; internal set; }

    public FinishReason Finish { get; internal set; }

    public int NumPromptTokens => Request.Prompt.Length;

    public int NumGenerated { get; private set; }

    /// <summary>Tokens known so far.</summary>
    public int NumTokens => Request.Prompt.Length + NumGenerated;

    /// <summary>Generated tokens so far.</summary>
    public ReadOnlySpan<int> Generated => _generated.AsSpan(0, NumGenerated);

    /// <summary>Positions whose keys and values a completed step has written; 0 after preemption.</summary>
    public int NumComputed { get; internal set; }

    /// <summary>Times it lost its blocks.</summary>
    public int NumPreemptions { get; internal set; }

    /// <summary>The caller's own data.</summary>
    public object? Tag { get; set; }

    /// <summary>Row of the page tables while running.</summary>
    internal int Seat { get; set; } = -1;

    /// <summary>Counts its stays in the running set, so that results of an earlier stay are told apart.</summary>
    internal int Stay { get; set; }

    /// <summary>Positions that have a place in a step.</summary>
    internal int NumScheduled { get; set; }

    /// <summary>The most positions that ever had a place in a step.</summary>
    internal int MostScheduled { get; set; }

    /// <summary>Positions below this count as prefill: what was known when it was admitted.</summary>
    internal int PrefillEnd { get; set; }

    /// <summary>Drawn tokens that are not known yet.</summary>
    internal int NumPending { get; set; }

    /// <summary>Where, among the samples of the step in flight, the pending token is drawn.</summary>
    internal int PendingSample { get; set; }

    /// <summary>Parts and draws of this sequence in steps that are not complete.</summary>
    internal int NumInFlight { get; set; }

    /// <summary>The last step it has rows in.</summary>
    internal long LastStep { get; set; }

    internal ref int PreemptedIndex => ref _preemptedIndex;

    /// <summary>Whether it has drawn, or will have, all tokens that it may.</summary>
    internal bool IsDrained => NumGenerated + NumPending >= Request.MaxTokens && NumScheduled >= Request.Prompt.Length;

    internal bool IsPrefill => NumScheduled < PrefillEnd;

    internal bool IsBefore(Sequence other) => Request == other.Request ? Sample < other.Sample : Request.IsBefore(other.Request);

    /// <summary>Copies tokens that begin at a position; all of them are known.</summary>
    public void CopyTokens(int position, Span<int> target)
    {
        ReadOnlySpan<int> prompt = Request.Prompt.Span;
        int fromPrompt = Math.Clamp(prompt.Length - position, 0, target.Length);
        if (fromPrompt > 0)
        {
            prompt.Slice(position, fromPrompt).CopyTo(target);
        }

        if (fromPrompt < target.Length)
        {
            Generated.Slice(position + fromPrompt - prompt.Length, target.Length - fromPrompt).CopyTo(target[fromPrompt..]);
        }
    }

    internal int TokenAt(int position) => position < Request.Prompt.Length ? Request.Prompt.Span[position] : _generated[position - Request.Prompt.Length];

    internal void Append(int token)
    {
        if (NumGenerated == _generated.Length)
        {
            Array.Resize(ref _generated, (int)Math.Min(Request.MaxTokens, 2L * _generated.Length));
        }

        _generated[NumGenerated++] = token;
    }
}
