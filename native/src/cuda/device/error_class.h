#pragma once

#include "moesaic/base.h"

namespace msc::cuda {

/// What the caller can do about an error of CUDA's runtime (cudaError_t) or driver (CUresult), which share their numbers.
/// Codes that are not known are of the class request failed.
msc_status status_of_cuda_error(int code);

}  // namespace msc::cuda
