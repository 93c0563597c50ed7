using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Ops captured from a stream (<see cref="ComputeStream.Capture"/>), to be enqueued by one call.</summary>
/// <remarks>Ops keep copies of their parameters and use batches, caches, weights and buffers as they are at a launch, so a
/// graph serves every step of the same shapes. Those objects must outlive it.</remarks>
public sealed unsafe class ComputeGraph : IDisposable
{
    private readonly GraphHandle _handle;

    internal ComputeGraph(GraphHandle handle) => _handle = handle;

    internal MscGraph* Native => (MscGraph*)_handle.Use();

    public void Dispose() => _handle.Dispose();
}
