#pragma once

#include "cuda_target.h"

namespace msc::cuda {

inline constexpr uint32_t kAllLanes = 0xFFFFFFFFu;
inline constexpr int kWarp = 32;

/// Sum over a warp, the same in every lane: a butterfly, so the order is fixed.
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(kAllLanes, x, step);
  }
  return x;
}

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, step));
  }
  return x;
}

/// Sum over a block of at most 1024 threads, a multiple of 32, the same in every thread. `partial`: 32 shared floats that
/// no thread still reads.
__device__ __forceinline__ float block_sum(float x, float* partial) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  x = warp_sum(x);
  if (lane == 0) {
    partial[warp] = x;
  }
  __syncthreads();
  const int num_warps = static_cast<int>(blockDim.x) / kWarp;
  return warp_sum(lane < num_warps ? partial[lane] : 0.0f);
}

}  // namespace msc::cuda
