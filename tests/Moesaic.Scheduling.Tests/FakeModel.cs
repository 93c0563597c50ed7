namespace Moesaic.Scheduling.Tests;

/// <summary>
/// A stand-in for a language model: what it keeps of a position is a hash of everything up to it, tenant and salt included,
/// and the next token is a function of that hash, the request's seed and the sample. So any mistake with blocks changes tokens.
/// </summary>
internal sealed class FakeModel
{
    public const int Vocabulary = 40;
    private readonly Dictionary<Sequence, Truth> _truths = [];

    /// <summary>What the sequence is when it runs alone.</summary>
    public Truth Of(Sequence sequence)
    {
        if (!_truths.TryGetValue(sequence, out Truth? truth))
        {
            truth = new Truth(sequence);
            _truths.Add(sequence, truth);
        }

        return truth;
    }

    public static ulong Root(Request request) => Mix(Mix(1, Text(request.Options.Tenant)), Text(request.Options.CacheSalt));

    public static ulong Append(ulong prefix, int token) => Mix(prefix, (ulong)token + 1);

    public static int Next(ulong prefix, Sequence sequence) =>
        (int)(Mix(Mix(prefix, Seed(sequence.Request)), (ulong)sequence.Sample) % Vocabulary);

    private static ulong Seed(Request request) => request.Options.Tag is int seed ? (ulong)seed : 0;

    private static ulong Text(string text) => text.Aggregate(7ul, static (h, c) => Mix(h, c));

    private static ulong Mix(ulong a, ulong b)
    {
        ulong x = (a * 0x9E3779B97F4A7C15) ^ (b + 0x7F4A7C15);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    internal sealed class Truth(Sequence sequence)
    {
        private readonly List<int> _tokens = [.. sequence.Request.Prompt.Span];
        private readonly List<ulong> _prefixes = [];

        public int Token(int position)
        {
            while (_tokens.Count <= position)
            {
                _tokens.Add(Next(Prefix(_tokens.Count - 1), sequence));
            }

            return _tokens[position];
        }

        /// <summary>Hash of positions [0, position].</summary>
        public ulong Prefix(int position)
        {
            while (_prefixes.Count <= position)
            {
                ulong before = _prefixes.Count == 0 ? Root(sequence.Request) : _prefixes[^1];
                _prefixes.Add(Append(before, Token(_prefixes.Count)));
            }

            return _prefixes[position];
        }
    }
}
