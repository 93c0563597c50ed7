using System.Text;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's compiled rules as Hugging Face tokenizers apply them: to whole grapheme clusters below six bytes (of which
/// only the shortest prefix with a rule counts), else character by character.
/// </summary>
internal sealed class PrecompiledNormalizer(CharacterMap map) : TextNormalizer
{
    private const int MaxClusterBytes = 6;

    public override string Normalize(string text, ref bool keepsStart)
    {
        StringBuilder result = new(text.Length + 8);
        Span<byte> bytes = stackalloc byte[16];
        for (int at = 0; at < text.Length;)
        {
            int end = GraphemeClusters.NextBoundary(text, at);
            ReadOnlySpan<char> cluster = text.AsSpan(at, end - at);
            at = end;
            CheckLength(result.Length, text.Length);
            if (cluster.Length < MaxClusterBytes && Encoding.UTF8.GetByteCount(cluster) < MaxClusterBytes)
            {
                int size = Encoding.UTF8.GetBytes(cluster, bytes);
                if (map.FindShortest(bytes[..size]) is { } whole)
                {
                    keepsStart &= result.Length > 0 || whole.Length > 0;
                    result.Append(whole);
                    continue;
                }
            }

            for (int i = 0; i < cluster.Length;)
            {
                UnicodeInfo.CodePointAt(cluster, i, out int length);
                int size = Encoding.UTF8.GetBytes(cluster.Slice(i, length), bytes);
                if (map.FindShortest(bytes[..size]) is { } mapped)
                {
                    keepsStart &= result.Length > 0 || mapped.Length > 0;
                    result.Append(mapped);
                }
                else
                {
                    result.Append(cluster.Slice(i, length));
                }

                i += length;
            }
        }

        return result.ToString();
    }
}
