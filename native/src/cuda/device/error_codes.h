#pragma once

/// Codes of cudaError_t that do not mean "request failed": X(name without cudaError, code). Numbers, so that files that are
/// compiled without CUDA's headers can use them; target/launch_error.cu compares them with the headers.

/// The call is wrong, or this device or build cannot do it.
#define MSC_CUDA_BAD_ARGUMENT_CODES(X) \
  X(InvalidValue, 1)                   \
  X(InvalidConfiguration, 9)           \
  X(InvalidPitchValue, 12)             \
  X(InvalidSymbol, 13)                 \
  X(InvalidMemcpyDirection, 21)        \
  X(StubLibrary, 34)                   \
  X(InsufficientDriver, 35)            \
  X(CallRequiresNewerDriver, 36)       \
  X(InvalidDeviceFunction, 98)         \
  X(NoDevice, 100)                     \
  X(InvalidDevice, 101)                \
  X(InvalidKernelImage, 200)           \
  X(NoKernelImageForDevice, 209)       \
  X(InvalidPtx, 218)                   \
  X(JitCompilerNotFound, 221)          \
  X(UnsupportedPtxVersion, 222)        \
  X(InvalidResourceHandle, 400)        \
  X(NotSupported, 801)                 \
  X(CompatNotSupportedOnDevice, 804)   \
  X(InvalidClusterSize, 912)

/// Something ran out that may be free later.
#define MSC_CUDA_OUT_OF_RESOURCE_CODES(X) \
  X(MemoryAllocation, 2)                  \
  X(LaunchOutOfResources, 701)            \
  X(CooperativeLaunchTooLarge, 720)       \
  X(MpsMaxClientsReached, 808)            \
  X(MpsMaxConnectionsReached, 809)

/// The context cannot be used any more: what a kernel did wrong is found later, by any call (CUDA Runtime API, cudaError),
/// or the device or the driver below it is gone.
#define MSC_CUDA_DEVICE_LOST_CODES(X) \
  X(InitializationError, 3)           \
  X(CudartUnloading, 4)               \
  X(DevicesUnavailable, 46)           \
  X(DeviceUninitialized, 201)         \
  X(ECCUncorrectable, 214)            \
  X(NvlinkUncorrectable, 220)         \
  X(IllegalAddress, 700)              \
  X(LaunchTimeout, 702)               \
  X(ContextIsDestroyed, 709)          \
  X(Assert, 710)                      \
  X(HardwareStackError, 714)          \
  X(IllegalInstruction, 715)          \
  X(MisalignedAddress, 716)           \
  X(InvalidAddressSpace, 717)         \
  X(InvalidPc, 718)                   \
  X(LaunchFailure, 719)               \
  X(SystemNotReady, 802)              \
  X(SystemDriverMismatch, 803)        \
  X(MpsConnectionFailed, 805)         \
  X(MpsRpcFailure, 806)               \
  X(MpsServerNotReady, 807)           \
  X(MpsClientTerminated, 810)         \
  X(ExternalDevice, 911)
