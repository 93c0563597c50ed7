using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>Captures the ops that <paramref name="enqueue"/> enqueues on this stream; none of them runs. Only ops have a
    /// place in a graph: copies, sampling, batch updates, events and <see cref="Synchronize"/> are refused meanwhile.</summary>
    /// <exception cref="NativeException">The stream captures already, or something that is no op was enqueued.</exception>
    public ComputeGraph Capture(Action enqueue)
    {
        ArgumentNullException.ThrowIfNull(enqueue);
        GraphHandle handle = new(Device.Handle);
        handle.Own(NativeMethods.MscStreamBeginCapture(Native), null);
        try
        {
            enqueue();
        }
        catch
        {
            EndCapture(handle);
            handle.Dispose();
            throw;
        }

        EndCapture(handle);
        return new ComputeGraph(handle);
    }

    /// <summary>Enqueues the ops of a graph in their order; each checks its arguments now.</summary>
    /// <exception cref="NativeException">An op refused its arguments: the text begins with its name. Those before it have run.</exception>
    public void Launch(ComputeGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        NativeMethods.MscGraphLaunch(graph.Native, Native).ThrowOnError();
    }

    private void EndCapture(GraphHandle handle)
    {
        MscGraph* native = null;
        handle.Own(NativeMethods.MscStreamEndCapture(Native, &native), native);
    }
}
