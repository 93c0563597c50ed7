using System.Buffers.Binary;

namespace Moesaic.Interop;

/// <summary>The little of ELF that tells whether a library's file is all there: the system's loader maps what the headers say,
/// and the process dies where the file is shorter.</summary>
internal static class ElfFile
{
    private const int HeaderBytes = 64;
    private const int SegmentHeaderBytes = 56;

    /// <summary>What is wrong with a library for this process, or null. Says nothing about files that are no 64-bit little-endian
    /// ELF: those the loader refuses itself.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static string? FindProblem(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderBytes];
        int read = file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (read < HeaderBytes || !header.StartsWith("\u007fELF"u8) || header[4] != 2 || header[5] != 1)
        {
            return read < HeaderBytes ? $"it has {file.Length} bytes and is no library" : null;
        }

        ulong segments = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        ulong sections = BinaryPrimitives.ReadUInt64LittleEndian(header[40..]);
        int segmentSize = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]);
        int numSegments = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        int sectionsSize = BinaryPrimitives.ReadUInt16LittleEndian(header[58..]) * BinaryPrimitives.ReadUInt16LittleEndian(header[60..]);
        UInt128 needed = UInt128.Max((UInt128)segments + (UInt128)(segmentSize * numSegments), (UInt128)sections + (UInt128)sectionsSize);
        if (needed <= (UInt128)file.Length && segmentSize >= SegmentHeaderBytes)
        {
            Span<byte> segment = stackalloc byte[SegmentHeaderBytes];
            for (int i = 0; i < numSegments; i++)
            {
                file.Position = (long)segments + ((long)i * segmentSize);
                file.ReadExactly(segment);
                UInt128 end = (UInt128)BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]) + BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]);
                needed = UInt128.Max(needed, end);
            }
        }

        return needed > (UInt128)file.Length ? $"it is cut off: it has {file.Length} of at least {needed} bytes" : null;
    }
}
