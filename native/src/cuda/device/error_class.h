#pragma once

#include "moesaic/base.h"

namespace msc::cuda {

/// What the caller can do about an error of CUDA's runtime or driver, whose codes are one enumeration (cudaError_t and
/// CUresult, CUDA 10.2 and later). Codes that are not known are of the class request failed.
msc_status status_of_cuda_error(int code);

}  // namespace msc::cuda
