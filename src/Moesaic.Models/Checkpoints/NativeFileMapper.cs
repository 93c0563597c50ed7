using Moesaic.Interop;

namespace Moesaic.Models.Checkpoints;

/// <summary>Maps files through the native library, which can give pages back while the mapping lives.</summary>
internal sealed class NativeFileMapper : IFileMapper
{
    public static NativeFileMapper Instance { get; } = new();

    public IFileMapping Map(string path)
    {
        try
        {
            return new Mapping(MappedFile.Open(path));
        }
        catch (NativeException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private sealed class Mapping(MappedFile file) : IFileMapping
    {
        public nint Pointer => file.Pointer;

        public long Length => file.Length;

        public void Release(long offset, long length) => file.Release(offset, length);

        public void Expect(long offset, long length) => file.Advise(offset, length, FileAdvice.WillNeed);

        public void Dispose() => file.Dispose();
    }
}
