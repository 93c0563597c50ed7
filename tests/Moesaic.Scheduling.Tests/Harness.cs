namespace Moesaic.Scheduling.Tests;

/// <summary>
/// Drives a scheduler with a fake executor whose results come a step late, and checks after everything that happens what
/// must always hold. The rules are written anew here, in the plainest way.
/// </summary>
internal sealed class Harness : ISchedulerObserver
{
    private readonly Queue<ScheduledStep> _inFlight = new();
    private readonly Dictionary<Sequence, int> _nextPosition = [];
    private readonly Dictionary<Sequence, TimeSpan> _finishedAt = [];
    private readonly SchedulerOptions _options;
    private readonly int _depth;

    public Harness(SchedulerOptions options, int depth = Scheduler.MaxStepsInFlight)
    {
        _options = options;
        _depth = depth;
        Scheduler = new Scheduler(options with { HashKey = new byte[16] }, Clock, this);
        Executor = new FakeExecutor(options, Model);
    }

    public ManualClock Clock { get; } = new();

    public Scheduler Scheduler { get; }

    public FakeModel Model { get; } = new();

    public FakeExecutor Executor { get; }

    /// <summary>Accepted requests.</summary>
    public List<Request> Requests { get; } = [];

    public List<StepRecord> Records { get; } = [];

    /// <summary>Sequences that the test itself ended.</summary>
    public HashSet<Sequence> StoppedByEngine { get; } = [];

    public int Preemptions { get; private set; }

    /// <summary>The draw to fail in the next step that is run; -1: none.</summary>
    public int FailSample { get; set; } = -1;

    /// <summary>The next step that is run fails.</summary>
    public bool FailStep { get; set; }

    public static SchedulerOptions Options(int blocks, int blockTokens = 4, int context = 64, int sequences = 4, int budget = 16) => new()
    {
        KvGroups = [new KvGroupOptions { NumBlocks = blocks, BlockTokens = blockTokens }],
        MaxContext = context,
        MaxSequences = sequences,
        MaxTokensPerStep = budget,
    };

    public static int[] Prompt(int length, int kind = 0) => [.. Enumerable.Range(0, length).Select(i => 100 + ((i + (kind * 17)) % 31))];

    public SubmitResult TrySubmit(RequestOptions options, out Request request)
    {
        request = Scheduler.Prepare(options);
        SubmitResult result = Scheduler.Submit(request);
        if (result.IsAccepted)
        {
            Requests.Add(request);
        }

        return result;
    }

    public Request Submit(RequestOptions options)
    {
        SubmitResult result = TrySubmit(options, out Request request);
        Assert.That(result.IsAccepted, result.Message);
        return request;
    }

    public Request Submit(int promptLength, int maxTokens, int kind = 0, string tenant = "") =>
        Submit(new RequestOptions { Prompt = Prompt(promptLength, kind), MaxTokens = maxTokens, Tenant = tenant });

    /// <summary>Schedules, and completes a step once as many as may be are in flight, or nothing else can be done.</summary>
    /// <returns>Whether anything happened.</returns>
    public bool Tick()
    {
        ScheduledStep? step = null;
        if (_inFlight.Count < _depth)
        {
            step = Schedule();
        }

        if (step is not null)
        {
            _inFlight.Enqueue(step);
        }
        else
        {
            Assert.That(_inFlight.Count > 0 || !Scheduler.HasWork, "there is work, nothing is in flight, and nothing is scheduled");
        }

        if (_inFlight.Count < _depth && step is not null)
        {
            return true;
        }

        return CompleteOldest();
    }

    /// <summary>Schedules a step and checks it; completing it is the caller's affair.</summary>
    public ScheduledStep? Schedule()
    {
        ScheduledStep? step = Scheduler.Schedule();
        CheckDeadlines();
        CheckAlways();
        if (step is not null)
        {
            CheckStep(step);
        }

        return step;
    }

    public void RunToEnd(int limit = 20000)
    {
        while (Tick())
        {
            Assert.That(--limit, Is.GreaterThan(0), "the work does not end");
        }

        CheckIdle();
    }

    public bool CompleteOldest()
    {
        if (!_inFlight.TryDequeue(out ScheduledStep? step))
        {
            return false;
        }

        if (FailStep)
        {
            FailStep = false;
            Sequence[] parts = [.. step.Sequences];
            Executor.Fail(step);
            Scheduler.Abort(step);
            Assert.That(parts.All(static s => s.State is SequenceState.Finished or SequenceState.Preempted), "a sequence outlives its failed step");
        }
        else
        {
            int[] sampled = Executor.Run(step);
            if (FailSample >= 0 && FailSample < sampled.Length)
            {
                Executor.Spoiled.Add(step.SampleSequences[FailSample]);
                sampled = [.. sampled];
                sampled[FailSample] = -1;
                FailSample = -1;
            }

            CheckOutputs(Scheduler.Complete(step, sampled));
        }

        CheckAlways();
        return true;
    }

    public void CheckIdle()
    {
        Assert.That(Scheduler.HasWork, Is.False);
        CheckAlways();
        for (int g = 0; g < Scheduler.NumKvGroups; g++)
        {
            BlockUsage usage = Scheduler.BlocksOf(g);
            Assert.That(usage.Used, Is.Zero, $"blocks leaked: {usage}");
            Assert.That(usage.Total, Is.EqualTo(_options.KvGroups[g].NumBlocks));
        }

        foreach (Sequence sequence in Requests.SelectMany(static r => r.Sequences))
        {
            CheckFinished(sequence);
        }
    }

    public void OnAdmitted(Sequence sequence, int cachedTokens)
    {
        Assert.That(sequence.State, Is.EqualTo(SequenceState.Running));
        Assert.That(cachedTokens, Is.LessThan(sequence.NumTokens).Or.EqualTo(sequence.NumPromptTokens), "at least one token is computed");
        _nextPosition[sequence] = cachedTokens;
    }

    public void OnPreempted(Sequence sequence)
    {
        Preemptions++;
        _nextPosition.Remove(sequence);
    }

    public void OnFinished(Sequence sequence)
    {
        Assert.That(_finishedAt.TryAdd(sequence, Scheduler.Now), "a sequence ended twice");
        _nextPosition.Remove(sequence);
    }

    public void OnStep(in StepRecord record) => Records.Add(record);

    public void Stop(Sequence sequence)
    {
        if (sequence.State != SequenceState.Finished)
        {
            StoppedByEngine.Add(sequence);
            if (sequence.Sample == 0)
            {
                StoppedByEngine.UnionWith(sequence.Request.Sequences);
            }
        }

        Scheduler.Finish(sequence, FinishReason.Stop);
        Assert.That(sequence.State, Is.EqualTo(SequenceState.Finished));
        CheckAlways();
    }

    private void CheckStep(ScheduledStep step)
    {
        StepRecord record = Records[^1];
        Assert.That(step.NumTokens, Is.InRange(1, _options.MaxTokensPerStep));
        Assert.That(record.Tokens, Is.EqualTo(step.NumTokens));
        Assert.That(step.NumSequences, Is.InRange(1, _options.MaxSequences));
        Assert.That(step.NumLogitRows, Is.LessThanOrEqualTo(_options.LogitRows));
        Assert.That(step.NumSamples, Is.LessThanOrEqualTo(_options.MaxSequences));
        Assert.That(step.LogitRows.ToArray(), Is.Ordered.Ascending.And.Unique);
        Assert.That(step.Sequences.ToArray(), Is.Unique);
        for (int i = 0; i < step.NumSequences; i++)
        {
            Sequence sequence = step.Sequences[i];
            Assert.That(sequence.State, Is.EqualTo(SequenceState.Running));
            Assert.That(step.QueryOffsets[i + 1], Is.GreaterThan(step.QueryOffsets[i]));
            for (int row = step.QueryOffsets[i]; row < step.QueryOffsets[i + 1]; row++)
            {
                Assert.That(step.Positions[row], Is.EqualTo(_nextPosition[sequence]++), "positions come once, in order");
                int id = step.TokenIds[row];
                Assert.That(id == ScheduledStep.Placeholder || id == Model.Of(sequence).Token(step.Positions[row]), "a token that the sequence does not have");
            }
        }
    }

    private void CheckOutputs(ReadOnlySpan<SequenceOutput> outputs)
    {
        foreach (SequenceOutput output in outputs)
        {
            Assert.That(output.Position, Is.EqualTo(output.Sequence.NumTokens - 1));
            Assert.That(output.TokenId, Is.EqualTo(Model.Of(output.Sequence).Token(output.Position)), "company changed a token");
            Assert.That(output.Sequence.Finish, Is.EqualTo(output.Finish));
        }
    }

    private void CheckAlways()
    {
        Assert.That(Scheduler.CheckIntegrity(), Is.Null);
        Assert.That(Scheduler.NumRunning, Is.LessThanOrEqualTo(_options.MaxSequences));
        Assert.That(Scheduler.NumWaiting, Is.LessThanOrEqualTo(_options.MaxWaiting));
        CheckWindows();
    }

    /// <summary>
    /// Of a windowed group a sequence holds what its window sees of the positions computed, the chunks in flight, and at most
    /// two blocks that reach past either end: old blocks are given back.
    /// </summary>
    private void CheckWindows()
    {
        int inFlight = Scheduler.MaxStepsInFlight * _options.MaxTokensPerStep;
        for (int g = 0; g < _options.KvGroups.Length; g++)
        {
            KvGroupOptions group = _options.KvGroups[g];
            int each = group.Window - 1 + (2 * group.BlockTokens);
            if (group.Window > 0)
            {
                Assert.That(Scheduler.BlocksOf(g).Used * group.BlockTokens, Is.LessThanOrEqualTo((Scheduler.NumRunning * each) + inFlight), $"group {g} keeps more than its window");
            }
        }
    }

    private void CheckDeadlines()
    {
        foreach (Request request in Requests.Where(static r => r.NumLive > 0))
        {
            TimeSpan age = Scheduler.Now - request.Submitted;
            Assert.That(age, Is.LessThan(request.Options.Timeout ?? TimeSpan.MaxValue), "a request outlived its deadline");
            Assert.That(request.Admitted is not null || age < (request.Options.QueueTimeout ?? TimeSpan.MaxValue), "a request outwaited its deadline");
        }
    }

    private void CheckFinished(Sequence sequence)
    {
        Request request = sequence.Request;
        Assert.That(sequence.State, Is.EqualTo(SequenceState.Finished));
        if (!Executor.Spoiled.Contains(sequence))
        {
            int[] expected = [.. Enumerable.Range(sequence.NumPromptTokens, sequence.NumGenerated).Select(Model.Of(sequence).Token)];
            Assert.That(sequence.Generated.ToArray(), Is.EqualTo(expected));
        }

        int stop = sequence.Generated.IndexOfAny(request.Options.StopIds.AsSpan());
        switch (sequence.Finish)
        {
            case FinishReason.Length:
                Assert.That(sequence.NumGenerated, Is.EqualTo(request.MaxTokens));
                Assert.That(stop, Is.EqualTo(-1));
                break;
            case FinishReason.Stop when !StoppedByEngine.Contains(sequence):
                Assert.That(stop, Is.EqualTo(sequence.NumGenerated - 1));
                break;
            case FinishReason.DeadlineExceeded:
                TimeSpan age = _finishedAt[sequence] - request.Submitted;
                Assert.That(age >= request.Options.Timeout || age >= request.Options.QueueTimeout, $"ended after {age}, before its deadline");
                break;
        }
    }
}
