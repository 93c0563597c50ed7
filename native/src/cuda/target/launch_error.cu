#include "core/error.h"
#include "cuda_target.h"

namespace msc::cuda {
namespace {

/// What the caller can do about an error of the driver or the runtime. Errors that a kernel leaves behind end the context
/// (CUDA Runtime API, cudaError), and with it everything on the device.
msc_status status_of(cudaError_t error) {
  switch (error) {
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorInvalidPitchValue:
    case cudaErrorInvalidMemcpyDirection:
    case cudaErrorInvalidDevice:
    case cudaErrorInvalidResourceHandle:
    case cudaErrorNoKernelImageForDevice:
      return MSC_STATUS_BAD_ARGUMENT;
    case cudaErrorMemoryAllocation:
    case cudaErrorLaunchOutOfResources:
      return MSC_STATUS_OUT_OF_RESOURCE;
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorDevicesUnavailable:
    case cudaErrorNoDevice:
    case cudaErrorSystemNotReady:
    case cudaErrorCudartUnloading:
      return MSC_STATUS_DEVICE_LOST;
    default:
      return MSC_STATUS_REQUEST_FAILED;
  }
}

}  // namespace

void check_launch(cudaError_t result, const char* kernel) {
  if (result != cudaSuccess) {
    throw_error(status_of(result), "%s could not be launched: %s (%s)", kernel, cudaGetErrorString(result),
                cudaGetErrorName(result));
  }
}

}  // namespace msc::cuda
