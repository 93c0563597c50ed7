#pragma once

#include "cuda/device/element.h"
#include "cuda/quantize/quantize_row.h"

namespace msc::cuda {

/// Columns i to i + 3 of a row, zeros past the end.
template <bool kPacked>
__device__ __forceinline__ void fetch_four(const float* row, int i, int cols, float (&x)[4]) {
  if (kPacked && i + 4 <= cols) {
    load_pack(row + i, x);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    x[k] = i + k < cols ? row[i + k] : 0.0f;
  }
}
template <bool kPacked>
__device__ __forceinline__ void fetch_four(const Bf16* row, int i, int cols, float (&x)[4]) {
  if (kPacked && i + 4 <= cols) {
    const uint2 pack = *reinterpret_cast<const uint2*>(row + i);
    x[0] = __uint_as_float(pack.x << 16);
    x[1] = __uint_as_float(pack.x & 0xFFFF0000u);
    x[2] = __uint_as_float(pack.y << 16);
    x[3] = __uint_as_float(pack.y & 0xFFFF0000u);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    x[k] = i + k < cols ? load(row + i + k) : 0.0f;
  }
}

/// One block a row.
template <class E, bool kPacked>
__global__ void __launch_bounds__(512) quantize_kernel(QuantizeParams params) {
  MSC_SHARED(uint32_t, partial, 32);
  const int64_t r = blockIdx.x;
  const int cols = static_cast<int>(params.cols);
  const E* const row = static_cast<const E*>(params.input) + r * params.input_stride;
  quantize_row(params.out, r, cols, [&](int i, float (&x)[4]) { fetch_four<kPacked>(row, i, cols, x); }, partial);
}

}  // namespace msc::cuda
