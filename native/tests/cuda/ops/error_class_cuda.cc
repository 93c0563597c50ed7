#include "cuda/device/error_class.h"

#include <gtest/gtest.h>

#include <map>

#include "cuda/device/error_codes.h"

namespace {

using msc::cuda::status_of_cuda_error;

// Numbers from the manual of CUDA's runtime (cudaError), not from the table.
TEST(CudaErrorClass, SaysWhatTheCallerCanDo) {
  EXPECT_EQ(MSC_STATUS_OK, status_of_cuda_error(0));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, status_of_cuda_error(1)) << "cudaErrorInvalidValue";
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, status_of_cuda_error(209)) << "cudaErrorNoKernelImageForDevice";
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, status_of_cuda_error(222)) << "cudaErrorUnsupportedPtxVersion";
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, status_of_cuda_error(2)) << "cudaErrorMemoryAllocation";
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, status_of_cuda_error(701)) << "cudaErrorLaunchOutOfResources";
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, status_of_cuda_error(600)) << "cudaErrorNotReady";
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, status_of_cuda_error(999)) << "cudaErrorUnknown";
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, status_of_cuda_error(123456));
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, status_of_cuda_error(-1));
  // Every error by which a kernel ends its context.
  for (const int code : {700, 702, 710, 714, 715, 716, 717, 718, 719, 214, 220, 709}) {
    EXPECT_EQ(MSC_STATUS_DEVICE_LOST, status_of_cuda_error(code)) << code;
  }
}

TEST(CudaErrorClass, KnowsEachCodeOnce) {
  std::map<int, int> count;
#define MSC_COUNT(name, number) ++count[number];
  MSC_CUDA_BAD_ARGUMENT_CODES(MSC_COUNT)
  MSC_CUDA_OUT_OF_RESOURCE_CODES(MSC_COUNT)
  MSC_CUDA_DEVICE_LOST_CODES(MSC_COUNT)
#undef MSC_COUNT
  for (const auto& [code, times] : count) {
    EXPECT_EQ(1, times) << code;
  }
  EXPECT_GT(count.size(), 40u);
}

}  // namespace
