using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Matrices in the layout that a device's kernels want: created empty, filled slice by slice, then sealed.</summary>
/// <remarks><see cref="Load(in WeightSlice)"/> may run on several threads at once for slices that do not overlap. A sealed weight does not
/// change and may be used by several streams. See <see cref="Device"/> for ownership.</remarks>
public sealed unsafe class Weight : IDisposable
{
    private readonly WeightHandle _handle;

    private Weight(WeightHandle handle, WeightInfo info)
    {
        _handle = handle;
        Info = info;
    }

    public WeightInfo Info { get; }

    internal MscWeight* Native => (MscWeight*)_handle.Use();

    /// <summary>Whether the device runs a format natively, without expanding it in memory.</summary>
    public static bool IsFormatSupported(Device device, TensorFormat format)
    {
        ArgumentNullException.ThrowIfNull(device);
        int supported;
        NativeMethods.MscWeightFormatSupported(device.Native, (int)format, &supported).ThrowOnError();
        return supported != 0;
    }

    /// <exception cref="NativeException">The description is not supported, or the device is out of memory.</exception>
    public static Weight Create(Device device, WeightDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(description);
        const int absent = -1;
        MscWeightDesc desc = MscWeightDesc.Create();
        desc.Format = (int)description.Format;
        desc.NumExperts = description.NumExperts;
        desc.Rows = description.Rows;
        desc.Cols = description.Cols;
        desc.GroupRows = description.GroupRows;
        desc.GroupCols = description.GroupCols;
        desc.ScaleFormat = (int?)description.ScaleFormat ?? absent;
        desc.ZeroPointFormat = (int?)description.ZeroPointFormat ?? absent;
        WeightHandle handle = new(device.Handle);
        MscWeight* native = null;
        handle.Own(NativeMethods.MscWeightCreate(handle.Device, &desc, &native), native);
        try
        {
            return new Weight(handle, Query(native));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Repacks one slice on the calling thread; the source may be released right after. Thread-safe for slices
    /// that do not overlap.</summary>
    /// <exception cref="NativeException">The slice does not lie in the weight, or the weight is sealed.</exception>
    public void Load(in WeightSlice slice)
    {
        MscWeightSlice native = MscWeightSlice.Create();
        native.Expert = slice.Expert;
        native.RowBegin = slice.RowBegin;
        native.NumRows = slice.NumRows;
        native.Factor = slice.Factor;
        native.Source = (void*)slice.Source;
        native.SourceRowBytes = (ulong)slice.SourceRowBytes;
        native.Scales = (void*)slice.Scales;
        native.ZeroPoints = (void*)slice.ZeroPoints;
        native.Permutation = (int*)slice.Permutation;
        _ = _handle.Use();
        bool held = false;
        try
        {
            // Several loader threads may be at work when one of them fails and its owner disposes of the weight.
            _handle.DangerousAddRef(ref held);
            NativeMethods.MscWeightLoad((MscWeight*)_handle.DangerousGetHandle(), &native).ThrowOnError();
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>Fills rows of an expert from rows that follow one another without a gap.</summary>
    /// <param name="source">Exactly the bytes of these rows.</param>
    /// <param name="rowBegin">First row to fill.</param>
    /// <param name="numRows">Rows to fill.</param>
    /// <param name="expert">Matrix to fill.</param>
    public void Load(ReadOnlySpan<byte> source, long rowBegin, long numRows, long expert = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numRows);
        long rowBytes = Dequantizer.RowBytes(Info.Format, Info.Cols);
        if (source.Length != rowBytes * numRows)
        {
            throw new ArgumentException(
                $"{numRows} rows of {Info.Cols} {Info.Format} elements take {rowBytes * numRows} bytes, not {source.Length}.", nameof(source));
        }

        fixed (byte* first = source)
        {
            Load(new WeightSlice
            {
                Expert = expert, RowBegin = rowBegin, NumRows = numRows, Source = (nint)first, SourceRowBytes = rowBytes,
            });
        }
    }

    /// <summary>Ends filling; ops accept sealed weights only.</summary>
    /// <exception cref="NativeException">Rows are missing.</exception>
    public void Seal() => NativeMethods.MscWeightSeal(Native).ThrowOnError();

    public void Dispose() => _handle.Dispose();

    private static WeightInfo Query(MscWeight* weight)
    {
        MscWeightInfo info = MscWeightInfo.Create();
        NativeMethods.MscWeightQuery(weight, &info).ThrowOnError();
        return new WeightInfo(
            (TensorFormat)info.Format, info.NumExperts, info.Rows, info.Cols, (long)info.PackedBytesPerExpert, (long)info.PackedBytes);
    }
}
