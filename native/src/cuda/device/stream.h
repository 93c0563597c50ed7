#pragma once

struct CUstream_st;

namespace msc::cuda {

/// cudaStream_t, for files that are compiled without CUDA's headers.
using Stream = CUstream_st*;

}  // namespace msc::cuda
