using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Unique within the file.</param>
/// <param name="Format">A format with a known block.</param>
/// <param name="Shape">Row-major, slowest dimension first.</param>
internal sealed record GgufTensorSpec(string Name, ElementFormat Format, ImmutableArray<long> Shape)
{
    public long ByteLength
    {
        get
        {
            _ = ElementFormats.TryGetBlock(Format, out int elements, out int bytes);
            return checked(Shape.Aggregate(1L, (product, size) => product * size) / elements * bytes);
        }
    }
}

/// <summary>
/// Writes a GGUF file (version 3) whose shapes are known beforehand and whose data arrives in pieces, in any order and from any
/// thread. The file appears under its name only when it is complete.
/// </summary>
internal sealed class GgufWriter : IDisposable
{
    private const int Alignment = 32;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly long[] _offsets;
    private readonly long[] _missing;
    private readonly IReadOnlyList<GgufTensorSpec> _tensors;
    private bool _completed;

    /// <summary>Creates the unfinished file with its header.</summary>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public GgufWriter(string path, GgufPairs metadata, IReadOnlyList<GgufTensorSpec> tensors)
    {
        _path = path;
        TemporaryPath = $"{path}.{Environment.ProcessId}.tmp";
        _tensors = tensors;
        _offsets = new long[tensors.Count];
        _missing = [.. tensors.Select(t => t.ByteLength)];
        byte[] header = Header(metadata, tensors, out long dataLength);
        for (int i = 0; i < _offsets.Length; i++)
        {
            _offsets[i] = header.Length + (i == 0 ? 0 : _offsets[i - 1] - header.Length + Align(_missing[i - 1]));
        }

        _handle = File.OpenHandle(TemporaryPath, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            RandomAccess.Write(_handle, header, 0);
            RandomAccess.SetLength(_handle, header.Length + dataLength);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the unfinished file is; its header can be read.</summary>
    public string TemporaryPath { get; }

    /// <summary>Writes bytes of a tensor's data.</summary>
    /// <param name="tensor">Index among the tensors.</param>
    /// <param name="start">First byte within its data.</param>
    /// <param name="bytes">The bytes; no byte may be written twice.</param>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    public void Write(int tensor, long start, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, _tensors[tensor].ByteLength - bytes.Length);
        RandomAccess.Write(_handle, bytes, _offsets[tensor] + start);
        Interlocked.Add(ref _missing[tensor], -bytes.Length);
    }

    /// <summary>Closes the file and gives it its name.</summary>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <exception cref="InvalidOperationException">A tensor has not been written to its end.</exception>
    /// <exception cref="IOException">There is a file of that name, or it cannot be replaced.</exception>
    public void Complete(bool overwrite)
    {
        int lacking = Array.FindIndex(_missing, bytes => bytes != 0);
        if (lacking >= 0)
        {
            throw new InvalidOperationException($"'{_tensors[lacking].Name}' lacks {_missing[lacking]} bytes.");
        }

        RandomAccess.FlushToDisk(_handle);
        _handle.Dispose();
        File.Move(TemporaryPath, _path, overwrite);
        _completed = true;
    }

    /// <summary>Removes the unfinished file unless <see cref="Complete"/> was called.</summary>
    public void Dispose()
    {
        if (!_completed)
        {
            _completed = true;
            _handle.Dispose();
            File.Delete(TemporaryPath);
        }
    }

    private static byte[] Header(GgufPairs metadata, IReadOnlyList<GgufTensorSpec> tensors, out long dataLength)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(0x46554747u);
        writer.Write(3u);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        metadata.WriteTo(writer);
        dataLength = 0;
        foreach (GgufTensorSpec tensor in tensors)
        {
            GgufPairs.WriteString(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Length);
            for (int i = tensor.Shape.Length - 1; i >= 0; i--)
            {
                writer.Write((ulong)tensor.Shape[i]);
            }

            writer.Write((uint)tensor.Format);
            writer.Write((ulong)dataLength);
            dataLength = checked(dataLength + Align(tensor.ByteLength));
        }

        while (stream.Length % Alignment != 0)
        {
            writer.Write((byte)0);
        }

        return stream.ToArray();
    }

    private static long Align(long length) => (length + Alignment - 1) / Alignment * Alignment;
}
