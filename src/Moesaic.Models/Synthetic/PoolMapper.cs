using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Synthetic;

/// <summary>Memory in place of a mapped file: one period of bytes, repeated.</summary>
internal sealed class PoolMapper(byte[] period, long length) : IFileMapper
{
    public IFileMapping Map(string path) => new Mapping(period, length);

    private sealed unsafe class Mapping : IFileMapping
    {
        private void* _memory;

        public Mapping(byte[] period, long length)
        {
            _memory = NativeMemory.Alloc((nuint)length);
            Length = length;
            for (long at = 0; at < length; at += period.Length)
            {
                int count = (int)Math.Min(period.Length, length - at);
                period.AsSpan(0, count).CopyTo(new Span<byte>((byte*)_memory + at, count));
            }
        }

        public nint Pointer => (nint)_memory;

        public long Length { get; }

        public void Release(long offset, long length)
        {
            // Every tensor reads the same bytes.
        }

        public void Expect(long offset, long length)
        {
            // They are in memory.
        }

        public void Dispose()
        {
            NativeMemory.Free(_memory);
            _memory = null;
        }
    }
}
