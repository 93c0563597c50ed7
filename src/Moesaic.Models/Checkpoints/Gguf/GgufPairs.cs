using System.Text;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>The metadata of a GGUF file to be written, in order.</summary>
internal sealed class GgufPairs
{
    private readonly List<(string Key, Action<BinaryWriter> Write)> _pairs = [];

    public int Count => _pairs.Count;

    public void Add(string key, string value) => Add(key, GgufValueType.String, w => WriteString(w, value));

    public void Add(string key, int value) => Add(key, GgufValueType.UInt32, w => w.Write(checked((uint)value)));

    public void Add(string key, float value) => Add(key, GgufValueType.Float32, w => w.Write(value));

    public void Add(string key, bool value) => Add(key, GgufValueType.Bool, w => w.Write(value));

    public void Add(string key, IReadOnlyList<string> values) => AddArray(key, GgufValueType.String, values, WriteString);

    public void Add(string key, IReadOnlyList<int> values) => AddArray(key, GgufValueType.Int32, values, static (w, value) => w.Write(value));

    public void Add(string key, IReadOnlyList<byte> values) => AddArray(key, GgufValueType.UInt8, values, static (w, value) => w.Write(value));

    public void Add(string key, IReadOnlyList<bool> values) => AddArray(key, GgufValueType.Bool, values, static (w, value) => w.Write(value));

    public void Add(string key, IReadOnlyList<float> values) => AddArray(key, GgufValueType.Float32, values, static (w, value) => w.Write(value));

    public void WriteTo(BinaryWriter writer)
    {
        foreach ((string key, Action<BinaryWriter> write) in _pairs)
        {
            WriteString(writer, key);
            write(writer);
        }
    }

    public static void WriteString(BinaryWriter writer, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)utf8.Length);
        writer.Write(utf8);
    }

    private void Add(string key, GgufValueType type, Action<BinaryWriter> value) => _pairs.Add((key, w =>
    {
        w.Write((uint)type);
        value(w);
    }));

    private void AddArray<T>(string key, GgufValueType type, IReadOnlyList<T> values, Action<BinaryWriter, T> write) => Add(key, GgufValueType.Array, w =>
    {
        w.Write((uint)type);
        w.Write((ulong)values.Count);
        foreach (T value in values)
        {
            write(w, value);
        }
    });
}
