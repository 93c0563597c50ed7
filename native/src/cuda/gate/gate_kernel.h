#pragma once

#include "cuda/device/element.h"
#include "cuda/gate/gate_rule.h"

namespace msc::cuda {

/// Rows along the grid's x, since there may be more than its y can count; a thread owns one element or one pack.
template <class E, GateRule kRule, bool kPacked>
__global__ void __launch_bounds__(256) gate_kernel(GateParams params, unsigned blocks_of_row) {
  const int64_t r = blockIdx.x / blocks_of_row;
  const int64_t item = static_cast<int64_t>(blockIdx.x % blocks_of_row) * blockDim.x + threadIdx.x;
  const E* const gate = static_cast<const E*>(params.gate) + r * params.gate_stride;
  const E* const up = static_cast<const E*>(params.up) + r * params.up_stride;
  E* const out = static_cast<E*>(params.out) + r * params.out_stride;
  if constexpr (kPacked) {
    const int64_t i = item * kPack<E>;
    if (i < params.cols) {
      float g[kPack<E>];
      float u[kPack<E>];
      load_pack(gate + i, g);
      load_pack(up + i, u);
#pragma unroll
      for (int k = 0; k < kPack<E>; ++k) {
        g[k] = gated<kRule>(g[k], u[k], params.alpha, params.limit);
      }
      store_pack(out + i, g);
    }
  } else if (item < params.cols) {
    store(out + item, gated<kRule>(load(gate + item), load(up + item), params.alpha, params.limit));
  }
}

}  // namespace msc::cuda
