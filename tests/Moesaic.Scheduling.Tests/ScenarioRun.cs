namespace Moesaic.Scheduling.Tests;

/// <summary>Plays a scenario on a harness, then lets the work end.</summary>
internal static class ScenarioRun
{
    public static Harness Play(Scenario scenario, int depth)
    {
        Harness harness = new(Scenario.Machines[scenario.Machine], depth);
        foreach (Op op in scenario.Ops)
        {
            Do(harness, op, scenario.Machine);
        }

        harness.FailSample = -1;
        harness.FailStep = false;
        harness.RunToEnd();
        return harness;
    }

    private static void Do(Harness harness, Op op, int machine)
    {
        switch (op.Kind)
        {
            case OpKind.Submit:
                Submit(harness, op, Scenario.Machines[machine]);
                break;
            case OpKind.Tick:
                harness.Tick();
                break;
            case OpKind.Complete:
                harness.CompleteOldest();
                break;
            case OpKind.Cancel when harness.Requests.Count > 0:
                Request request = harness.Requests[op.A % harness.Requests.Count];
                harness.Scheduler.Cancel(request);
                Assert.That(request.NumLive, Is.Zero);
                Assert.That(harness.Scheduler.CheckIntegrity(), Is.Null);
                break;
            case OpKind.FinishSample when harness.Requests.Count > 0:
                Request of = harness.Requests[op.A % harness.Requests.Count];
                harness.Stop(of.Sequences[op.B % of.Sequences.Length]);
                break;
            case OpKind.Advance:
                harness.Clock.Advance(TimeSpan.FromMilliseconds(op.A));
                break;
            case OpKind.FailSample:
                harness.FailSample = op.A % 4;
                break;
            case OpKind.FailStep:
                harness.FailStep = true;
                break;
            case OpKind.ForgetCache:
                harness.Scheduler.ForgetCache();
                break;
        }
    }

    /// <summary>A few prompts that begin alike, of few tenants, so that prefixes meet.</summary>
    private static void Submit(Harness harness, Op op, SchedulerOptions machine)
    {
        int length = 1 + (op.A % (machine.MaxContext + 2));
        length = op.A % 3 == 0 ? length : 1 + (length % 20);
        RequestOptions options = new()
        {
            Prompt = Harness.Prompt(length, kind: op.B % 3),
            MaxTokens = op.C % 11 == 10 ? null : op.C % 20,
            NumSamples = op.C % 20 == 0 || op.D % 4 > 0 ? 1 : 1 + (op.D % machine.MaxSequences),
            Priority = (op.D % 7) - 3,
            Tenant = op.B % 5 == 0 ? "b" : "a",
            TenantWeight = 1 + (op.B % 2),
            CacheSalt = op.D % 6 == 0 ? "salt" : string.Empty,
            StopIds = op.A % 2 == 0 ? [] : [op.C % FakeModel.Vocabulary, 3],
            Timeout = op.D % 9 == 0 ? TimeSpan.FromMilliseconds(op.C % 700) : null,
            QueueTimeout = op.D % 11 == 0 ? TimeSpan.FromMilliseconds(op.A % 300) : null,
            WantsPromptLogits = op.D % 13 == 0,
            Tag = op.D,
        };
        SubmitResult result = harness.TrySubmit(options, out Request request);
        bool expected = length <= machine.MaxContext
            && (!options.WantsPromptLogits || machine.LogitRows > machine.MaxSequences)
            && options.Timeout != TimeSpan.Zero && options.QueueTimeout != TimeSpan.Zero;
        Assert.That(result.IsAccepted || result.IsTemporary || result.Reason == RejectionReason.CacheTooSmall || !expected, result.Message);
        Assert.That(!result.IsAccepted || expected);
        Assert.That(result.IsTemporary, Is.EqualTo(result.RetryAfter > TimeSpan.Zero));
        Assert.That(result.IsAccepted, Is.EqualTo(request.Number > 0));
    }
}
