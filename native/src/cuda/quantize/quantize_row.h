#pragma once

#include "cuda/device/reduce.h"
#include "cuda/quantize/quantize.h"

namespace msc::cuda {

/// Columns that a warp quantises at a time, four a lane.
inline constexpr int kQuantizedSpan = 4 * kWarp;

/// Bits of the largest magnitude, which order NaNs on top, over `lanes` neighbouring lanes.
__device__ __forceinline__ uint32_t largest_magnitude(const float (&x)[4], int lanes) {
  uint32_t largest = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const uint32_t magnitude = __float_as_uint(x[k]) & 0x7FFFFFFFu;
    largest = magnitude > largest ? magnitude : largest;
  }
  for (int step = lanes / 2; step > 0; step /= 2) {
    const uint32_t other = __shfl_xor_sync(kAllLanes, largest, step);
    largest = other > largest ? other : largest;
  }
  return largest;
}

/// Scale of a group, and what its values are multiplied by.
struct GroupScale {
  float scale;
  float factor;

  __device__ __forceinline__ GroupScale(uint32_t largest_bits, float limit) {
    const float largest = __uint_as_float(largest_bits);
    const bool is_finite = largest_bits < 0x7F800000u;
    const bool is_tiny = is_finite && largest < 1e-30f;
    scale = is_tiny ? 0.0f : largest / limit;
    factor = is_tiny || !is_finite ? 0.0f : limit / largest;
  }
};

/// A row by the threads of a block; all of them call. `fetch(i, x)` gives columns i to i + 3 (i is a multiple of 4), zeros
/// past the end; it may be asked twice. `partial`: 32 shared words that no thread still reads.
template <class Fetch>
__device__ __forceinline__ void quantize_row(const QuantizedRows& out, int64_t r, int cols, const Fetch& fetch, uint32_t* partial) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int num_warps = static_cast<int>(blockDim.x) / kWarp;
  const bool is_int8 = out.type == QuantizedType::kI8;
  const float limit = is_int8 ? 127.0f : 448.0f;
  float* const scales = out.scales + r * out.scale_row_stride;
  auto* const codes = static_cast<uint8_t*>(out.codes) + r * out.codes_stride;
  const bool whole_row = out.group != 32 && out.group != kQuantizedSpan;
  const bool packed = reinterpret_cast<uintptr_t>(codes) % 4 == 0;

  uint32_t largest = 0;
  if (whole_row) {
    for (int i = warp * kQuantizedSpan; i < cols; i += num_warps * kQuantizedSpan) {
      float x[4];
      fetch(i + 4 * lane, x);
      const uint32_t part = largest_magnitude(x, kWarp);
      largest = part > largest ? part : largest;
    }
    if (lane == 0) {
      partial[warp] = largest;
    }
    __syncthreads();
    for (int w = 0; w < num_warps; ++w) {
      largest = partial[w] > largest ? partial[w] : largest;
    }
    if (threadIdx.x == 0) {
      scales[0] = GroupScale(largest, limit).scale;
    }
  }
  const int lanes_of_group = out.group == 32 ? 8 : kWarp;
  for (int begin = warp * kQuantizedSpan; begin < cols; begin += num_warps * kQuantizedSpan) {
    const int i = begin + 4 * lane;
    float x[4];
    fetch(i, x);
    if (!whole_row) {
      largest = largest_magnitude(x, lanes_of_group);
    }
    const GroupScale group(largest, limit);
    if (!whole_row && lane % lanes_of_group == 0 && i < cols) {
      scales[i / out.group * out.scale_group_stride] = group.scale;
    }
    uint32_t word = 0;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float y = group.factor == 0.0f ? 0.0f : x[k] * group.factor;
      const uint32_t code = is_int8 ? static_cast<uint8_t>(int8_of(y)) : f8_e4m3_bits(y);
      word |= code << (8 * k);
    }
    if (packed && i + 4 <= cols) {
      *reinterpret_cast<uint32_t*>(codes + i) = word;
    } else {
      for (int k = 0; k < 4 && i + k < cols; ++k) {
        codes[i + k] = static_cast<uint8_t>(word >> (8 * k));
      }
    }
  }
}

}  // namespace msc::cuda
