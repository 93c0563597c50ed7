using System.Text;
using Moesaic.Models.Tokenizers.Decoders;

namespace Moesaic.Models.Tokenizers;

/// <summary>
/// Decodes ids one by one. All pieces together are the text that decoding all ids at once gives; a piece never ends in half a
/// character. Each id costs time in proportion to its own token.
/// </summary>
/// <remarks>Not thread-safe: one for each stream.</remarks>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly StringBuilder _text = new();
    private readonly DecoderStage _first;
    private bool _flushed;

    internal StreamingDecoder(Tokenizer tokenizer, TokenDecoder decoder, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        _first = decoder.CreateStage(new SinkStage(_text), fused: false);
    }

    /// <summary>Takes the next id and gives the text that is certain by now; often empty while a character is incomplete.</summary>
    /// <exception cref="InvalidOperationException">After <see cref="Flush"/>.</exception>
    public string Append(int id)
    {
        Accept(id);
        return TakeText();
    }

    /// <summary>The rest of the text once no more ids come.</summary>
    public string Flush()
    {
        if (!_flushed)
        {
            _flushed = true;
            _first.Finish();
        }

        return TakeText();
    }

    internal void Accept(int id)
    {
        if (_flushed)
        {
            throw new InvalidOperationException("This decoder was flushed; create a new one.");
        }

        if (_tokenizer.IdToToken(id) is { } token && !(_skipSpecialTokens && _tokenizer.IsSpecial(token)))
        {
            _first.Accept(token, continues: false);
        }
    }

    private string TakeText()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
