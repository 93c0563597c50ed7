using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class MappedFileHandle : NativeHandle
{
    protected override MscStatus Destroy() => NativeMethods.MscMappedFileClose((MscMappedFile*)handle);
}
