namespace Moesaic.Models.Checkpoints;

/// <summary>A whole file mapped read-only into memory. Unmapped on dispose; every pointer into it dies with it.</summary>
internal interface IFileMapping : IDisposable
{
    /// <summary>Address of the file's first byte.</summary>
    nint Pointer { get; }

    /// <summary>Length of the file in bytes when it was mapped.</summary>
    long Length { get; }

    /// <summary>
    /// Tells the system that these bytes will not be read again soon, so that they stop counting as resident memory.
    /// They stay readable (from the file again).
    /// </summary>
    void Release(long offset, long length);

    /// <summary>Tells the system that these bytes will be read soon, so that it can fetch them from the disk meanwhile.</summary>
    void Expect(long offset, long length);
}

/// <summary>Maps files; the seam at which the native mapping is put in place of the managed one.</summary>
internal interface IFileMapper
{
    /// <summary>Maps the file read-only.</summary>
    /// <exception cref="IOException">The file cannot be opened or mapped.</exception>
    IFileMapping Map(string path);
}
