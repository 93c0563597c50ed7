#pragma once

/// Before a function that plans and kernels share: plans are compiled without CUDA.
#ifdef __CUDACC__
#define MSC_HOST_DEVICE __host__ __device__
#else
#define MSC_HOST_DEVICE
#endif
