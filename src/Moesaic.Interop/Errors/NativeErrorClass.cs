using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What went wrong in the native library, told apart by what the caller can do about it.</summary>
public enum NativeErrorClass
{
    /// <summary>The call is wrong: an argument, a shape, a format that is not supported. Do not repeat it unchanged.</summary>
    BadArgument = MscStatus.BadArgument,

    /// <summary>Memory or another resource ran out: free something (preempt) and try again.</summary>
    OutOfResource = MscStatus.OutOfResource,

    /// <summary>This call failed; the device is still usable for others.</summary>
    RequestFailed = MscStatus.RequestFailed,

    /// <summary>The device is unusable: restart the worker.</summary>
    DeviceLost = MscStatus.DeviceLost,
}
