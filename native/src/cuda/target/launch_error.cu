#include "core/error.h"
#include "cuda/device/error_class.h"
#include "cuda/device/error_codes.h"
#include "cuda_target.h"

namespace msc::cuda {

#define MSC_SAME_CODE(name, number) static_assert(cudaError##name == number);
MSC_CUDA_BAD_ARGUMENT_CODES(MSC_SAME_CODE)
MSC_CUDA_OUT_OF_RESOURCE_CODES(MSC_SAME_CODE)
MSC_CUDA_DEVICE_LOST_CODES(MSC_SAME_CODE)
#undef MSC_SAME_CODE

void check_launch(cudaError_t result, const char* kernel) {
  if (result != cudaSuccess) {
    throw_error(status_of_cuda_error(result), "%s could not be launched: %s (%s)", kernel, cudaGetErrorString(result),
                cudaGetErrorName(result));
  }
}

}  // namespace msc::cuda
