using System.IO.MemoryMappedFiles;

namespace Moesaic.Models.Checkpoints;

/// <summary>Maps files through <see cref="MemoryMappedFile"/>; it has no way to give pages back early or to ask for them.</summary>
internal sealed class ManagedFileMapper : IFileMapper
{
    public static ManagedFileMapper Instance { get; } = new();

    public IFileMapping Map(string path) => new Mapping(path);

    private sealed class Mapping : IFileMapping
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;

        public unsafe Mapping(string path)
        {
            // The view's own capacity is rounded up to whole pages, so the length is taken from the file.
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Length = stream.Length;
            _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            Pointer = (nint)(pointer + _view.PointerOffset);
        }

        public nint Pointer { get; private set; }

        public long Length { get; }

        public void Release(long offset, long length)
        {
        }

        public void Expect(long offset, long length)
        {
        }

        public void Dispose()
        {
            if (Pointer == 0)
            {
                return;
            }

            Pointer = 0;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
