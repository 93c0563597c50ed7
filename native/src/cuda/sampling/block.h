#pragma once

#include "cuda/device/scan.h"
#include "cuda/sampling/sampling_state.h"

namespace msc::cuda {

// Over the kSampleThreads threads of a block. `spare`: kSampleWarps shared elements; all end with a barrier, so that it may
// be used again at once.
inline constexpr int kSampleWarps = kSampleThreads / kWarp;

template <class T, class Join>
__device__ __forceinline__ T block_join(T x, T* spare, const Join& join) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = join(x, __shfl_xor_sync(kAllLanes, x, step));
  }
  if (threadIdx.x % kWarp == 0) {
    spare[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  T result = spare[0];
#pragma unroll
  for (int warp = 1; warp < kSampleWarps; ++warp) {
    result = join(result, spare[warp]);
  }
  __syncthreads();
  return result;
}

/// The same in every thread; the order of additions is fixed.
template <class T>
__device__ __forceinline__ T block_sum_of(T x, T* spare) {
  return block_join(x, spare, [](T a, T b) { return a + b; });
}
template <class T>
__device__ __forceinline__ T block_greatest(T x, T* spare) {
  return block_join(x, spare, [](T a, T b) { return a > b ? a : b; });
}
template <class T>
__device__ __forceinline__ T block_least(T x, T* spare) {
  return block_join(x, spare, [](T a, T b) { return a < b ? a : b; });
}

/// Sum of x over the threads before this one.
__device__ __forceinline__ Mass block_sum_before(Mass x, Mass* spare, Mass* total) {
  const Mass before = sum_before(x, spare, kSampleWarps, total);
  __syncthreads();
  return before;
}

}  // namespace msc::cuda
