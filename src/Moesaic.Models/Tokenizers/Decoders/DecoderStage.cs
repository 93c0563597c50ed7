using System.Text;

namespace Moesaic.Models.Tokenizers.Decoders;

/// <summary>
/// One step of decoding as a stream: tokens come in, perhaps in several parts, and text goes on to the next step as soon as
/// nothing that follows can change it.
/// </summary>
internal abstract class DecoderStage(DecoderStage? next)
{
    private bool _any;

    /// <summary>Takes a token, or more of the token before.</summary>
    /// <param name="text">The text.</param>
    /// <param name="continues">Whether it belongs to the same token as the text before it.</param>
    public abstract void Accept(string text, bool continues);

    /// <summary>Hands on what was held back: no more tokens come.</summary>
    public virtual void Finish() => next?.Finish();

    /// <summary>Hands on a token, or a part of one.</summary>
    protected void Emit(string text, bool continues)
    {
        next!.Accept(text, continues && _any);
        _any = true;
    }
}

/// <summary>The end of the chain: collects text.</summary>
internal sealed class SinkStage(StringBuilder target) : DecoderStage(null)
{
    public override void Accept(string text, bool continues) => target.Append(text);
}

/// <summary>Base of steps that see whole tokens: parts are put together first.</summary>
internal abstract class WholeTokenStage(DecoderStage next) : DecoderStage(next)
{
    private readonly StringBuilder _parts = new();
    private string? _open;

    /// <summary>Number of tokens handed over before.</summary>
    protected int Index { get; private set; }

    public sealed override void Accept(string text, bool continues)
    {
        if (continues)
        {
            if (_parts.Length == 0)
            {
                _parts.Append(_open);
            }

            _parts.Append(text);
            return;
        }

        Release();
        _open = text;
        if (!WaitsForMore)
        {
            Release();
        }
    }

    /// <summary>Whether tokens may come in several parts, so that each waits for the next one to begin.</summary>
    public bool WaitsForMore { get; init; }

    public override void Finish()
    {
        Release();
        BeforeFinish();
        base.Finish();
    }

    /// <summary>Hands on what the step itself holds back.</summary>
    protected virtual void BeforeFinish()
    {
    }

    /// <summary>Takes one whole token.</summary>
    protected abstract void AcceptToken(string token);

    private void Release()
    {
        if (_open is null)
        {
            return;
        }

        string token = _parts.Length > 0 ? _parts.ToString() : _open;
        _parts.Clear();
        _open = null;
        AcceptToken(token);
        Index++;
    }
}
