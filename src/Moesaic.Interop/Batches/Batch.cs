using System.Runtime.CompilerServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What one step runs: tokens of several sequences, ragged.</summary>
/// <remarks>See <see cref="Device"/> for ownership and threads.</remarks>
public sealed unsafe class Batch : IDisposable
{
    private readonly BatchHandle _handle;

    private Batch(BatchHandle handle, BatchLimits limits)
    {
        _handle = handle;
        Limits = limits;
    }

    public BatchLimits Limits { get; }

    /// <summary>Tokens of the current content.</summary>
    public int NumTokens { get; private set; }

    /// <summary>Sequences of the current content.</summary>
    public int NumSequences { get; private set; }

    /// <summary>Rows of the current content whose logits are wanted.</summary>
    public int NumLogitRows { get; private set; }

    internal MscBatch* Native => (MscBatch*)_handle.Use();

    /// <exception cref="NativeException">The limits are not supported, or the device is out of memory.</exception>
    public static Batch Create(Device device, BatchLimits limits)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfNegative(limits.NumKvGroups);
        MscBatchLimits native = MscBatchLimits.Create();
        native.NumKvGroups = (uint)limits.NumKvGroups;
        native.MaxTokens = limits.MaxTokens;
        native.MaxSequences = limits.MaxSequences;
        native.MaxPages = limits.MaxPages;
        BatchHandle handle = new(device.Handle);
        MscBatch* batch = null;
        handle.Own(NativeMethods.MscBatchCreate(handle.Device, &native, &batch), batch);
        return new Batch(handle, limits);
    }

    /// <summary>Replaces the content and plans its work; allocates nothing.</summary>
    /// <exception cref="ArgumentException">Lengths contradict each other.</exception>
    /// <exception cref="NativeException">The arrays contradict each other or exceed the limits; nothing has changed.</exception>
    public void Update(ComputeStream stream, in BatchContent content)
    {
        ArgumentNullException.ThrowIfNull(stream);
        int numSequences = content.QueryOffsets.Length - 1;
        if (numSequences < 0
            || content.Positions.Length != content.TokenIds.Length
            || content.PageTables.Length != (long)Limits.NumKvGroups * numSequences * content.PagesStride
            || (content.KeyLengths.Length != 0 && content.KeyLengths.Length != (long)Limits.NumKvGroups * numSequences))
        {
            ThrowLengths(content);
        }

        MscBatchDesc desc = MscBatchDesc.Create();
        desc.NumTokens = content.TokenIds.Length;
        desc.NumSequences = numSequences;
        desc.NumLogitRows = content.LogitRows.Length;
        desc.PagesStride = content.PagesStride;
        fixed (int* tokenIds = content.TokenIds)
        fixed (int* positions = content.Positions)
        fixed (int* queryOffsets = content.QueryOffsets)
        fixed (int* logitRows = content.LogitRows)
        fixed (int* pageTables = content.PageTables)
        fixed (int* keyLengths = content.KeyLengths)
        {
            desc.HostTokenIds = tokenIds;
            desc.HostPositions = positions;
            desc.HostQueryOffsets = queryOffsets;
            desc.HostLogitRows = logitRows;
            desc.HostPageTables = pageTables;
            desc.HostKeyLengths = keyLengths;
            NativeMethods.MscBatchUpdate(Native, stream.Native, &desc).ThrowOnError();
        }

        NumTokens = content.TokenIds.Length;
        NumSequences = numSequences;
        NumLogitRows = content.LogitRows.Length;
    }

    public void Dispose() => _handle.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowLengths(in BatchContent content) => throw new ArgumentException(
        $"Batch arrays contradict each other: {content.TokenIds.Length} token ids, {content.Positions.Length} positions, " +
        $"{content.QueryOffsets.Length} query offsets (sequences + 1), {content.PageTables.Length} page-table entries, " +
        $"expected {Limits.NumKvGroups} groups x {content.QueryOffsets.Length - 1} sequences x {content.PagesStride}, " +
        $"{content.KeyLengths.Length} key lengths, expected none or groups x sequences.", nameof(content));
}
