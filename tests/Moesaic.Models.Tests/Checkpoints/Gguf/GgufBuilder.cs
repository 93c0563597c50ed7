using System.Text;
using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>Writes small GGUF files, right ones and wrong ones: every field can be set to a lie.</summary>
internal sealed class GgufBuilder
{
    private readonly List<Action<BinaryWriter>> _pairs = [];
    private readonly List<Action<BinaryWriter>> _tensors = [];

    public uint Magic { get; set; } = 0x46554747;

    public uint Version { get; set; } = 3;

    public ulong? PairCount { get; set; }

    public ulong? TensorCount { get; set; }

    public int Alignment { get; set; } = 32;

    public byte[] Data { get; set; } = [];

    /// <summary>A pair whose value is written by <paramref name="value"/>.</summary>
    public GgufBuilder Pair(string key, GgufValueType type, Action<BinaryWriter> value)
    {
        _pairs.Add(w =>
        {
            WriteString(w, Encoding.UTF8.GetBytes(key));
            w.Write((uint)type);
            value(w);
        });
        return this;
    }

    public GgufBuilder Pair(string key, string value) => Pair(key, GgufValueType.String, w => WriteString(w, Encoding.UTF8.GetBytes(value)));

    public GgufBuilder Pair(string key, uint value) => Pair(key, GgufValueType.UInt32, w => w.Write(value));

    public GgufBuilder Pair(string key, float value) => Pair(key, GgufValueType.Float32, w => w.Write(value));

    public GgufBuilder Pair(string key, params string[] values) => Pair(key, GgufValueType.Array, w =>
    {
        w.Write((uint)GgufValueType.String);
        w.Write((ulong)values.Length);
        foreach (string value in values)
        {
            WriteString(w, Encoding.UTF8.GetBytes(value));
        }
    });

    public GgufBuilder Tensor(string name, uint type, ulong offset, params ulong[] dimensions)
    {
        _tensors.Add(w =>
        {
            WriteString(w, Encoding.UTF8.GetBytes(name));
            w.Write((uint)dimensions.Length);
            foreach (ulong dimension in dimensions)
            {
                w.Write(dimension);
            }

            w.Write(type);
            w.Write(offset);
        });
        return this;
    }

    public byte[] Build()
    {
        MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(TensorCount ?? (ulong)_tensors.Count);
        writer.Write(PairCount ?? (ulong)_pairs.Count);
        _pairs.ForEach(pair => pair(writer));
        _tensors.ForEach(tensor => tensor(writer));
        while (Data.Length > 0 && stream.Position % Alignment != 0)
        {
            writer.Write((byte)0);
        }

        writer.Write(Data);
        return stream.ToArray();
    }

    public static void WriteString(BinaryWriter writer, byte[] utf8)
    {
        writer.Write((ulong)utf8.Length);
        writer.Write(utf8);
    }

    public GgufFile Parse() => Parse(Build());

    public static GgufFile Parse(byte[] bytes) => GgufFile.Parse(new MemoryStream(bytes), "model.gguf");
}
