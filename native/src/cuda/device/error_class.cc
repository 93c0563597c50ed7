#include "cuda/device/error_class.h"

#include "cuda/device/error_codes.h"

namespace msc::cuda {

msc_status status_of_cuda_error(int code) {
#define MSC_CASE(name, number) case number:
  switch (code) {
    case 0:
      return MSC_STATUS_OK;
    MSC_CUDA_BAD_ARGUMENT_CODES(MSC_CASE)
      return MSC_STATUS_BAD_ARGUMENT;
    MSC_CUDA_OUT_OF_RESOURCE_CODES(MSC_CASE)
      return MSC_STATUS_OUT_OF_RESOURCE;
    MSC_CUDA_DEVICE_LOST_CODES(MSC_CASE)
      return MSC_STATUS_DEVICE_LOST;
    default:
      return MSC_STATUS_REQUEST_FAILED;
  }
#undef MSC_CASE
}

}  // namespace msc::cuda
