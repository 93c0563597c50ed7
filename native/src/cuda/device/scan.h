#pragma once

#include "cuda/device/reduce.h"

namespace msc::cuda {

/// Sum of integers x over the threads before this one in a block of `num_warps` whole warps, and over all of them in *total.
/// `partial`: num_warps shared elements that no thread still reads; others may read them when this returns.
template <class T>
__device__ __forceinline__ T sum_before(T x, T* partial, int num_warps, T* total) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  T through = x;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const T below = __shfl_up_sync(kAllLanes, through, step);
    through += lane >= step ? below : 0;
  }
  if (lane == kWarp - 1) {
    partial[warp] = through;
  }
  __syncthreads();
  T before = 0;
  T all = 0;
#pragma unroll
  for (int w = 0; w < num_warps; ++w) {
    before += w < warp ? partial[w] : 0;
    all += partial[w];
  }
  *total = all;
  return before + through - x;
}

}  // namespace msc::cuda
