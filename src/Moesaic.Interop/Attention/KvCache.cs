using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Pages of keys and values of one layer group, in the device's own layout.</summary>
/// <remarks>See <see cref="Device"/> for ownership and threads.</remarks>
public sealed unsafe class KvCache : IDisposable
{
    private readonly KvCacheHandle _handle;

    private KvCache(KvCacheHandle handle, long pageBytes, long totalBytes)
    {
        _handle = handle;
        PageBytes = pageBytes;
        TotalBytes = totalBytes;
    }

    /// <summary>Bytes of one page: all layers of the group.</summary>
    public long PageBytes { get; }

    /// <summary>Bytes of all pages.</summary>
    public long TotalBytes { get; }

    internal MscKvCache* Native => (MscKvCache*)_handle.Use();

    /// <exception cref="NativeException">The description is not supported, or the device is out of memory.</exception>
    public static KvCache Create(Device device, KvCacheDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        MscKvCacheDesc desc = ToNative(description);
        KvCacheHandle handle = new(device.Handle);
        MscKvCache* native = null;
        handle.Own(NativeMethods.MscKvCacheCreate(handle.Device, &desc, &native), native);
        try
        {
            MscKvCacheInfo info = MscKvCacheInfo.Create();
            NativeMethods.MscKvCacheQuery(native, &info).ThrowOnError();
            return new KvCache(handle, (long)info.PageBytes, (long)info.TotalBytes);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of one page for a description, before anything is allocated.</summary>
    /// <exception cref="NativeException">The description is not supported.</exception>
    public static long QueryPageBytes(Device device, KvCacheDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        MscKvCacheDesc desc = ToNative(description);
        ulong bytes;
        NativeMethods.MscKvCachePageBytes(device.Native, &desc, &bytes).ThrowOnError();
        return (long)bytes;
    }

    /// <summary>Enqueues copies of whole pages (all layers), for copy-on-write.</summary>
    /// <param name="stream">A stream of the cache's device.</param>
    /// <param name="sourcePages">Page numbers.</param>
    /// <param name="targetPages">As many page numbers.</param>
    public void CopyPages(ComputeStream stream, ReadOnlySpan<int> sourcePages, ReadOnlySpan<int> targetPages)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (sourcePages.Length != targetPages.Length)
        {
            throw new ArgumentException($"{sourcePages.Length} source pages but {targetPages.Length} target pages.", nameof(targetPages));
        }

        fixed (int* source = sourcePages)
        fixed (int* target = targetPages)
        {
            NativeMethods.MscKvCacheCopyPages(stream.Native, Native, source, target, sourcePages.Length).ThrowOnError();
        }
    }

    public void Dispose() => _handle.Dispose();

    private static MscKvCacheDesc ToNative(KvCacheDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentOutOfRangeException.ThrowIfNegative(description.Group);
        MscKvCacheDesc desc = MscKvCacheDesc.Create();
        desc.Format = (int)description.Format;
        desc.NumLayers = description.NumLayers;
        desc.NumKvHeads = description.NumKvHeads;
        desc.KWidth = description.KeyWidth;
        desc.VWidth = description.ValueWidth;
        desc.LatentWidth = description.LatentWidth;
        desc.PageTokens = description.PageTokens;
        desc.NumPages = description.NumPages;
        desc.Window = description.Window;
        desc.Group = (uint)description.Group;
        desc.RoutedExperts = description.RoutedExperts;
        desc.RoutedChoices = description.RoutedChoices;
        return desc;
    }
}
