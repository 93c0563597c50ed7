using System.Collections.Immutable;
using Moesaic.Models.Tokenizers;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine;

/// <summary>
/// One answer, streamed to one reader. Its events end with one whose finish reason is set. Text is made by the reader's
/// thread; a stop string that it finds ends the sequence at once.
/// </summary>
/// <remarks>A reader that leaves before the end, or whose token is cancelled, cancels the answer.</remarks>
public sealed class GenerationSample : IAsyncEnumerable<GenerationEvent>
{
    private readonly TokenStream _stream;
    private readonly GenerationRequest _request;
    private readonly ImmutableArray<int> _endIds;
    private readonly Tokenizer? _tokenizer;
    private int _readers;

    internal GenerationSample(TokenStream stream, GenerationRequest request, ImmutableArray<int> endIds, Tokenizer? tokenizer)
    {
        _stream = stream;
        _request = request;
        _endIds = endIds;
        _tokenizer = tokenizer;
    }

    /// <summary>Which of the request's answers this is, from 0.</summary>
    public int Index => _stream.Sequence.Sample;

    /// <summary>Tokens read so far, an end token included.</summary>
    public int NumGenerated { get; private set; }

    /// <summary>Why the answer ended, as far as it was read.</summary>
    public FinishReason Finish { get; private set; }

    /// <summary>The stop string that ended it.</summary>
    public string? MatchedStopString { get; private set; }

    /// <summary>The token that ended it: an end token of the model, or one of the request's stop ids.</summary>
    public int? MatchedStopId { get; private set; }

    /// <summary>What went wrong, if the answer ended as <see cref="FinishReason.Failed"/> for another reason than that the request was refused.</summary>
    public Exception? Error => _stream.Error;

    /// <summary>Whether it was cancelled because more tokens waited for its reader than <see cref="GenerationRequest.MaxUnreadTokens"/>.</summary>
    public bool FellBehind => _stream.FellBehind;

    /// <summary>Ends this answer alone; its blocks are free within one step. Tokens drawn before can still be read.</summary>
    public void Cancel() => _stream.Stop(EndReason.Cancelled);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It has a reader already.</exception>
    public async IAsyncEnumerator<GenerationEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _readers, 1) != 0)
        {
            throw new InvalidOperationException("An answer has one reader.");
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static s => ((GenerationSample)s!).Cancel(), this);
        AnswerText? answer = _tokenizer is null ? null
            : new AnswerText(_tokenizer.CreateStreamingDecoder(_request.SkipSpecialTokens), _request.Sampling, _request.IncludeStopString);
        try
        {
            while (await _stream.WaitAsync().ConfigureAwait(false))
            {
                while (_stream.TryRead(out int id, out int at))
                {
                    GenerationEvent step = Take(id, at, answer);
                    yield return step;
                    if (step.Finish != FinishReason.None)
                    {
                        yield break;
                    }
                }
            }

            // What was held back is part of an answer that ended between tokens.
            string rest = answer?.Finish() ?? string.Empty;
            Finish = ReasonOf(_stream.End);
            yield return new GenerationEvent(rest, null, [], Finish);
        }
        finally
        {
            if (Finish == FinishReason.None)
            {
                Cancel();
            }
        }
    }

    private GenerationEvent Take(int id, int at, AnswerText? answer)
    {
        NumGenerated++;
        bool isEnd = _endIds.AsSpan().Contains(id);
        FinishReason finish = isEnd ? FinishReason.StopId
            : NumGenerated >= _stream.Sequence.Request.MaxTokens ? FinishReason.Length
            : FinishReason.None;
        string text = string.Empty;
        if (answer is not null)
        {
            text = isEnd ? string.Empty : answer.Add(id);
            text += finish != FinishReason.None ? answer.Finish() : string.Empty;
            if (answer.IsStopped)
            {
                finish = FinishReason.StopString;
                MatchedStopString = answer.MatchedStop;
                _stream.Stop(EndReason.Stop);
            }
        }

        MatchedStopId = finish == FinishReason.StopId ? id : null;
        Finish = finish;
        GeneratedToken token = new(id, _stream.Logprob(at), _request.Prompt.Length + at, finish);
        return new GenerationEvent(text, token, _request.Sampling.TopLogprobs > 0 ? _stream.Alternatives(at) : [], finish);
    }

    private static FinishReason ReasonOf(EndReason reason) => reason switch
    {
        EndReason.Stop => FinishReason.StopId,
        EndReason.Length => FinishReason.Length,
        EndReason.Cancelled => FinishReason.Cancelled,
        EndReason.DeadlineExceeded => FinishReason.TimedOut,
        _ => FinishReason.Failed,
    };
}
