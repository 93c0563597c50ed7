#pragma once

#include "cuda/device/mma.h"
#include "cuda/linear/linear_layout.h"

namespace msc::cuda {

/// The upper halves of two floats that are bfloat16 values.
__device__ __forceinline__ uint32_t upper_halves(float low, float high) {
  return __byte_perm(__float_as_uint(low), __float_as_uint(high), 0x7632);
}

/// Four signed bytes as two pairs. 2^23 + 128 + q has q in its lowest byte, and q is a bfloat16.
__device__ __forceinline__ void signed_bytes(uint32_t codes, uint32_t* pairs) {
  codes ^= 0x80808080u;
  float q[4];
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) {
    q[i] = __uint_as_float(__byte_perm(codes, 0x4B000000u, 0x7650u + i)) - 8388736.0f;
  }
  pairs[0] = upper_halves(q[0], q[1]);
  pairs[1] = upper_halves(q[2], q[3]);
}

/// Four 8-bit floats as two pairs: exponent and mantissa moved to those of a float32, which is then 2^-120 times the value.
__device__ __forceinline__ void small_floats(uint32_t codes, uint32_t* pairs) {
  float q[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const uint32_t top = codes << (24 - 8 * i);
    q[i] = __uint_as_float((top & 0x80000000u) | (top >> 4 & 0x07F00000u)) * 0x1p120f;
  }
  pairs[0] = upper_halves(q[0], q[1]);
  pairs[1] = upper_halves(q[2], q[3]);
}

/// The weight's side of four products from a lane's part of a step: a[j] of columns 16 j ... 16 j + 15.
/// `nibble_zero`: of nibbles, the bfloat16 pair of 128 + what 0 stands for, negated.
template <WeightCode kCode>
__device__ __forceinline__ void load_weights(const unsigned char* codes, uint32_t nibble_zero, uint32_t (&a)[4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const uint4* const own = reinterpret_cast<const uint4*>(codes) + lane;
  if constexpr (kCode == WeightCode::kBf16) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const uint4 pack = own[32 * j];
      a[j][0] = pack.x;
      a[j][1] = pack.y;
      a[j][2] = pack.z;
      a[j][3] = pack.w;
    }
  } else if constexpr (kCode == WeightCode::kU4) {
    const uint4 pack = *own;
    const uint32_t words[4] = {pack.x, pack.y, pack.z, pack.w};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        // A nibble in the mantissa of 128.
        a[j][i] = sub_bf16_pairs((words[j] >> (4 * i) & 0x000F000Fu) | 0x43004300u, nibble_zero);
      }
    }
  } else {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint4 pack = own[32 * half];
      const uint32_t words[4] = {pack.x, pack.y, pack.z, pack.w};
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        uint32_t* const to = a[2 * half + w / 2] + 2 * (w % 2);
        kCode == WeightCode::kI8 ? signed_bytes(words[w], to) : small_floats(words[w], to);
      }
    }
  }
}

/// Scales and corrections of a step of both weight tiles of a pair: a view of shared memory.
struct StepScales {
  const unsigned char* bytes;
  int tile_bytes;            // from the first tile's to the second one's
  int group_bytes;
  int last_of_group;         // j of a group's last product, modulo the products of a group: 0, 1 or 3
  ScaleType type;
  Correction correction;

  __device__ __forceinline__ float number(int tile, int group, int index) const {
    const unsigned char* const at = bytes + tile * tile_bytes + group * group_bytes;
    return type == ScaleType::kF32 ? reinterpret_cast<const float*>(at)[index]
                                   : half_value(reinterpret_cast<const uint16_t*>(at)[index]);
  }
};

/// sum (+)= a group's product of one tile with its scales. `inputs`: sums of the inputs of the lane's two columns.
__device__ __forceinline__ void add_group(const StepScales& scales, int tile, int group, const float (&p)[4],
                                          const float (&inputs)[4], float (&sum)[4]) {
  const int row = static_cast<int>(threadIdx.x) % 32 / 4;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float scale = scales.number(tile, group, row + 8 * half);
    const float second = scales.correction == Correction::kNone ? 0.0f : scales.number(tile, group, kTileRows + row + 8 * half);
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      float x = p[2 * half + c];
      float& total = sum[2 * half + c];
      if (scales.correction == Correction::kZeroPoint) {
        x = fmaf(-second, inputs[c], x);
      }
      total = fmaf(scale, x, total);
      if (scales.correction == Correction::kOffset) {
        total = fmaf(second, inputs[c], total);
      }
    }
  }
}

/// sum += a pair of weight tiles times kNTiles eights of input rows, over one step: the one order of additions that all
/// kernels share. Columns ascend by 16; codes that have scales are summed from zero over min(group, 64) columns.
/// @param inputs kInputRowBytes a row.
template <WeightCode kCode, int kNTiles>
__device__ __forceinline__ void multiply_step(const uint32_t (&a)[2][4][4], const unsigned char* inputs, const StepScales& scales,
                                              float (&sum)[2][kNTiles][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const uint32_t ones[4] = {0x3F803F80u, 0x3F803F80u, 0x3F803F80u, 0x3F803F80u};
#pragma unroll
  for (int n = 0; n < kNTiles; ++n) {
    const unsigned char* const row = inputs + (n * 8 + lane / 4) * kInputRowBytes + lane % 4 * 8;
    float p[2][4] = {};
    float all[4] = {};
    int group = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const uint2 pack = *reinterpret_cast<const uint2*>(row + j * 32);
      const uint32_t b[2] = {pack.x, pack.y};
      if constexpr (kCode == WeightCode::kBf16) {
        mma_bf16_16x8x16(sum[0][n], a[0][j], b);
        mma_bf16_16x8x16(sum[1][n], a[1][j], b);
      } else {
        mma_bf16_16x8x16(p[0], a[0][j], b);
        mma_bf16_16x8x16(p[1], a[1][j], b);
        if (scales.correction != Correction::kNone) {
          mma_bf16_16x8x16(all, ones, b);
        }
        if ((j & scales.last_of_group) == scales.last_of_group) {
          add_group(scales, 0, group, p[0], all, sum[0][n]);
          add_group(scales, 1, group, p[1], all, sum[1][n]);
          ++group;
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            p[0][i] = 0.0f;
            p[1][i] = 0.0f;
            all[i] = 0.0f;
          }
        }
      }
    }
  }
}

}  // namespace msc::cuda
