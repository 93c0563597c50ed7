using System.Globalization;
using System.Text;

namespace Moesaic.Models.Tokenizers.Decoders;

/// <summary>Maps each token, knowing its number.</summary>
internal sealed class MapTokenStage(DecoderStage next, Func<string, int, string> map) : WholeTokenStage(next)
{
    protected override void AcceptToken(string token) => Emit(map(token, Index), continues: false);
}

/// <summary>Maps text character by character, so that parts can be mapped on their own.</summary>
internal sealed class MapStage(DecoderStage next, Func<string, string> map) : DecoderStage(next)
{
    public override void Accept(string text, bool continues) => Emit(map(text), continues);
}

/// <summary>Makes one token of all.</summary>
internal sealed class FuseStage(DecoderStage next) : DecoderStage(next)
{
    public override void Accept(string text, bool continues) => Emit(text, continues: true);
}

/// <summary>Byte-level alphabet to bytes to text; incomplete UTF-8 waits for the rest.</summary>
internal sealed class ByteLevelStage(DecoderStage next) : WholeTokenStage(next)
{
    private readonly System.Text.Decoder _utf8 = new UTF8Encoding(false, false).GetDecoder();
    private byte[] _bytes = new byte[64];
    private char[] _chars = new char[64];

    protected override void AcceptToken(string token)
    {
        int needed = Encoding.UTF8.GetMaxByteCount(token.Length);
        if (_bytes.Length < needed)
        {
            _bytes = new byte[needed];
        }

        int count = 0;
        foreach (char c in token)
        {
            int b = ByteLevelAlphabet.ByteOf(c);
            if (b < 0)
            {
                // A token with any other character stands for its own text.
                count = Encoding.UTF8.GetBytes(token, _bytes);
                break;
            }

            _bytes[count++] = (byte)b;
        }

        Convert(count, flush: false);
    }

    protected override void BeforeFinish() => Convert(0, flush: true);

    private void Convert(int count, bool flush)
    {
        int room = count + 4;
        if (_chars.Length < room)
        {
            _chars = new char[room];
        }

        int written = _utf8.GetChars(_bytes.AsSpan(0, count), _chars, flush);
        if (written > 0)
        {
            Emit(new string(_chars, 0, written), continues: true);
        }
    }
}

/// <summary>Runs of tokens &lt;0xNN&gt; become text when they are UTF-8 as a whole, else one U+FFFD for each byte.</summary>
internal sealed class ByteFallbackStage(DecoderStage next) : WholeTokenStage(next)
{
    private readonly List<byte> _run = [];

    protected override void AcceptToken(string token)
    {
        if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' && TryHex(token, out byte value))
        {
            _run.Add(value);
            return;
        }

        Release();
        Emit(token, continues: false);
    }

    protected override void BeforeFinish() => Release();

    // Like the reference's number parser, which takes a plus sign before one digit.
    private static bool TryHex(string token, out byte value) =>
        byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        || (token[3] == '+' && byte.TryParse(token.AsSpan(4, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value));

    private void Release()
    {
        if (_run.Count == 0)
        {
            return;
        }

        byte[] bytes = [.. _run];
        _run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            Emit(Encoding.UTF8.GetString(bytes), continues: false);
            return;
        }

        for (int i = 0; i < bytes.Length; i++)
        {
            Emit("\uFFFD", continues: false);
        }
    }
}

/// <summary>Takes up to a number of characters away from both ends of each token.</summary>
internal sealed class StripStage(DecoderStage next, string content, int start, int stop) : DecoderStage(next)
{
    private int _leftToStrip;
    private int _held;
    private bool _started;

    public override void Accept(string text, bool continues)
    {
        if (!continues || !_started)
        {
            // What is held back at the end of a token is what gets stripped.
            _held = 0;
            _leftToStrip = start;
            _started = true;
            Emit("", continues: false);
        }

        int at = 0;
        while (_leftToStrip > 0 && at < text.Length)
        {
            if (string.CompareOrdinal(text, at, content, 0, content.Length) != 0)
            {
                _leftToStrip = 0;
                break;
            }

            at += content.Length;
            _leftToStrip--;
        }

        int end = text.Length, trailing = 0;
        while (trailing < stop && end - content.Length >= at && string.CompareOrdinal(text, end - content.Length, content, 0, content.Length) == 0)
        {
            end -= content.Length;
            trailing++;
        }

        if (end == at)
        {
            _held += trailing;
            if (_held > stop)
            {
                Emit(string.Concat(Enumerable.Repeat(content, _held - stop)), continues: true);
                _held = stop;
            }

            return;
        }

        Emit(string.Concat(string.Concat(Enumerable.Repeat(content, _held)), text.AsSpan(at, end - at)), continues: true);
        _held = trailing;
    }
}

/// <summary>Turns the end-of-word suffix into a space, except in the last token.</summary>
internal sealed class BpeStage(DecoderStage next, string suffix) : WholeTokenStage(next)
{
    private string? _last;

    protected override void AcceptToken(string token)
    {
        Release(" ");
        _last = token;
        if (suffix.Length > 0 && !token.Contains(suffix, StringComparison.Ordinal))
        {
            Release(" ");
        }
    }

    protected override void BeforeFinish() => Release("");

    private void Release(string replacement)
    {
        if (_last is not null)
        {
            Emit(suffix.Length == 0 ? _last : _last.Replace(suffix, replacement, StringComparison.Ordinal), continues: false);
            _last = null;
        }
    }
}

/// <summary>Connectionist temporal classification: repeated tokens count once, padding vanishes.</summary>
internal sealed class CtcStage(DecoderStage next, TokenDecoder.Ctc options) : WholeTokenStage(next)
{
    private string? _previous;

    protected override void AcceptToken(string token)
    {
        if (token == _previous)
        {
            return;
        }

        _previous = token;
        string text = options.PadToken.Length == 0 ? token : token.Replace(options.PadToken, "", StringComparison.Ordinal);
        if (options.Cleanup)
        {
            text = TokenDecoder.WordPiece.CleanUp(text);
            text = options.WordDelimiter.Length == 0 ? text : text.Replace(options.WordDelimiter, " ", StringComparison.Ordinal);
        }

        if (text.Length > 0)
        {
            Emit(text, continues: false);
        }
    }
}
