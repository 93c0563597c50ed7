namespace Moesaic.Scheduling;

public enum SequenceState
{
    /// <summary>Not submitted yet, or refused.</summary>
    Created = 0,

    /// <summary>In the queue.</summary>
    Waiting,

    /// <summary>Waits for its request's first sample to compute the prompt that they share.</summary>
    WaitingForPrompt,

    Running,

    /// <summary>Lost its blocks; will be computed again before anything new is admitted.</summary>
    Preempted,

    Finished,
}
