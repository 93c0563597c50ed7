#pragma once

#include "cuda/sampling/sampling_state.h"
#include "cuda_target.h"

namespace msc::cuda {

inline constexpr float kLowestLogit = -__builtin_inff();
inline constexpr float kGreatestLogit = 3.40282347e+38f;

/// A logit as it is read: NaN as -infinity, +infinity as the greatest finite number.
__device__ __forceinline__ float clean_logit(float x) { return x != x ? kLowestLogit : x > kGreatestLogit ? kGreatestLogit : x; }

/// Keys order as clean logits do; -0 and 0 are one.
__device__ __forceinline__ uint32_t logit_key(float x) {
  const uint32_t bits = __float_as_uint(x + 0.0f);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float logit_of(uint32_t key) {
  return __uint_as_float((key & 0x80000000u) != 0 ? key & 0x7FFFFFFFu : ~key);
}
/// Of -infinity; tokens that can be drawn lie above.
inline constexpr uint32_t kLowestKey = 0x007FFFFFu;

/// e^x for x <= 0, step for step what msc::cpu::exp computes with fused multiply-add, so that weights are the same.
__device__ __forceinline__ float exp_as_on_cpu(float x) {
  const float lowest = -87.3365402f;
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = fmaxf(lowest, x);
  const float shifted = fmaf(clamped, 1.44269502f, magic);
  const float n = shifted - magic;
  float r = fmaf(n, -6.931457520e-01f, clamped);
  r = fmaf(n, -1.428606765e-06f, r);
  float q = fmaf(1.392621314e-03f, r, 8.363203146e-03f);
  q = fmaf(q, r, 4.166655615e-02f);
  q = fmaf(q, r, 1.666657627e-01f);
  q = fmaf(q, r, 0.5f);
  const float e = fmaf(r * r, q, r) + 1.0f;
  const float power = __uint_as_float((__float_as_uint(shifted) << 23) + 0x3F800000u);
  return x < lowest ? 0.0f : e * power;
}

/// Weights of a row's tokens: floor(2^40 e^((x - greatest) / temperature)).
struct Weigher {
  float greatest;
  float temperature;

  /// (greatest - x) / temperature; the greater x, the smaller.
  __device__ __forceinline__ float distance(float x) const { return -((x - greatest) / temperature); }
  __device__ __forceinline__ static Mass weight_at(float distance) {
    return static_cast<Mass>(exp_as_on_cpu(-distance) * 0x1p40f);
  }
  __device__ __forceinline__ Mass weight(float x) const { return weight_at(distance(x)); }
};

/// Past this distance every weight is 0: 40 ln 2 = 27.73, and the exponential is good to 2 ulp.
inline constexpr float kWeightlessDistance = 28.0f;

/// High 64 bits of a * b.
__device__ __forceinline__ Mass multiply_high(Mass a, Mass b) {
  const Mass low_mask = 0xFFFFFFFFu;
  const Mass a0 = a & low_mask, a1 = a >> 32, b0 = b & low_mask, b1 = b >> 32;
  const Mass middle = a1 * b0 + (a0 * b0 >> 32);
  const Mass carried = a0 * b1 + (middle & low_mask);
  return a1 * b1 + (middle >> 32) + (carried >> 32);
}

/// The 64 random bits of one draw: words 0 and 1 of Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011).
__device__ __forceinline__ Mass draw_bits(uint64_t seed, uint64_t position, uint32_t sample_index) {
  uint32_t counter[4] = {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), sample_index, 0};
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const Mass a = Mass{0xD2511F53u} * counter[0];
    const Mass b = Mass{0xCD9E8D57u} * counter[2];
    const uint32_t first = static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0];
    const uint32_t third = static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1];
    counter[0] = first;
    counter[1] = static_cast<uint32_t>(b);
    counter[2] = third;
    counter[3] = static_cast<uint32_t>(a);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return static_cast<Mass>(counter[1]) << 32 | counter[0];
}

/// Weights that make up the prefix: ceil(top_p * total), at least 1 and at most all.
__device__ __forceinline__ Mass prefix_target(float top_p, Mass total) {
  const Mass target = static_cast<Mass>(ceil(static_cast<double>(top_p) * static_cast<double>(total)));
  return target < 1 ? 1 : target > total ? total : target;
}

}  // namespace msc::cuda
