#pragma once

#include <bit>
#include <cstring>

#include "cpu/linear/activation_block.h"
#include "cpu/linear/unroll.h"

namespace msc::cpu {

/// 32 values to int8 with scale = max |x| / 127, rounded to nearest even.
/// Scales of blocks that hold a NaN or infinity are not finite, so that such a value is never lost; blocks below 1e-30
/// become zeros.
template <class V>
MSC_ALWAYS_INLINE inline void quantise_block(const float* x, ActivationBlock* block) {
  using Int = typename V::Int;
  constexpr int kVectors = 32 / V::kLanes;
  // As integers, magnitudes order as floats do, with infinities and NaNs on top.
  Int largest = V::bit_and(V::load_words(x), V::splat(0x7FFFFFFFu));
  for (int i = 1; i < kVectors; ++i) {
    largest = V::int_max(largest, V::bit_and(V::load_words(x + i * V::kLanes), V::splat(0x7FFFFFFFu)));
  }
  const float magnitude = std::bit_cast<float>(V::reduce_max(largest));
  const bool tiny = magnitude < 1e-30f;
  const float scale = tiny ? 0.0f : magnitude / 127.0f;
  const auto inverse = V::set1(tiny ? 0.0f : 127.0f / magnitude);
  int half_sums[2] = {0, 0};
  for (int i = 0; i < kVectors; ++i) {
    half_sums[i * V::kLanes / 16] += V::round_to_bytes(V::mul(V::load(x + i * V::kLanes), inverse), block->q + i * V::kLanes);
  }
  const int sum = half_sums[0] + half_sums[1];
  block->scale = scale;
  block->sum = scale * static_cast<float>(sum);
  block->minus_128_sum = -128 * sum;
  block->half_sums[0] = static_cast<int16_t>(half_sums[0]);
  block->half_sums[1] = static_cast<int16_t>(half_sums[1]);
}

/// A row of `cols` values (a multiple of 32) to cols / 32 blocks.
template <class V>
void quantise_row(const float* x, int64_t cols, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationBlock*>(out);
  for (int64_t b = 0; b < cols / kActivationBlockElements; ++b) {
    quantise_block<V>(x + b * kActivationBlockElements, blocks + b);
  }
}

}  // namespace msc::cpu
