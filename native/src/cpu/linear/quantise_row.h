#pragma once

#include <bit>

#include "cpu/linear/activation_block.h"
#include "cpu/simd/unroll.h"

namespace msc::cpu {

/// A row of `cols` values (a multiple of 32) to int8 blocks with scale = max |x| / 127, rounded to nearest even.
/// The scale of a block that holds a NaN or infinity is not finite, so that such a value is never lost; blocks below
/// 1e-30 become zeros. V::max_bits gives the largest magnitude as an integer, which orders NaNs on top;
/// V::round_block writes 32 rounded products in -127..127 and the sums of both halves.
template <class V>
void quantise_row(const float* x, int64_t cols, std::byte* out) {
  auto* block = reinterpret_cast<ActivationBlock*>(out);
  for (int64_t k = 0; k < cols; k += kActivationBlockElements, ++block) {
    const float largest = std::bit_cast<float>(V::max_bits(x + k));
    const bool tiny = largest < 1e-30f;
    const float scale = tiny ? 0.0f : largest / 127.0f;
    int32_t half_sums[2];
    V::round_block(x + k, tiny ? 0.0f : 127.0f / largest, block->q, half_sums);
    const int32_t sum = half_sums[0] + half_sums[1];
    block->scale = scale;
    block->sum = scale * static_cast<float>(sum);
    block->minus_128_sum = -128 * sum;
    block->half_sums[0] = static_cast<int16_t>(half_sums[0]);
    block->half_sums[1] = static_cast<int16_t>(half_sums[1]);
  }
}

}  // namespace msc::cpu
