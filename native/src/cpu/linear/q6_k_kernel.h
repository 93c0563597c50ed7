#pragma once

#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

/// Products of 6-bit weights w = d * scale * (q - 32), scale per 16 columns: the integer
/// sum of scale * q * q_x - 32 * scale * (sum of q_x) over a sub-block is exact, then out += it * (d * scale_x).
struct Q6_KKernel {
  template <class V, int Rows>
  __attribute__((noinline)) static void run(const std::byte* scales, const std::byte* elements, int64_t begin,
                                            int64_t end, const std::byte* const* rows, float* out) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    const std::byte* x[Rows];
    Float sums[Rows];
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
      x[m] = rows[m];
      sums[m] = V::load(out + m * V::kLanes);
    });
    const Int low_mask = V::splat(0x0F0F0F0Fu);
    const Int high_mask = V::splat(0x30303030u);
    int64_t at = begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = begin; b < end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      const auto block = [&](int m) MSC_ALWAYS_INLINE { return reinterpret_cast<const ActivationBlock*>(x[m] + at); };
      const std::byte* words = elements + b * (6 * kVectorBytes);
      const std::byte* super = scales + b / 8 * V::kLanes * 18;
      const Int pairs = V::load_i8_pairs(super + V::kLanes * (2 + b % 8 * 2));
      Int partial[Rows];
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        const Int offset = V::dot_pairs(pairs, V::broadcast_word(block(m)->half_sums));
        partial[m] = V::int_sub(V::int_zero(), V::template shift_left<5>(offset));
      });
      unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
        const Int high = V::load_words(words + (4 + half) * kVectorBytes);
        if constexpr (Rows == 1) {
          V::prefetch(words + V::kPrefetchBytes + half * 3 * kVectorBytes);
        }
        Int w[4];
        unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
          Int low = V::load_words(words + j * kVectorBytes);
          if constexpr (half == 1) {
            low = V::template shift_right<4>(low);
          }
          Int top = high;
          if constexpr (j < 2) {
            top = V::template shift_left<4 - 2 * j>(high);
          } else if constexpr (j == 3) {
            top = V::template shift_right<2>(high);
          }
          w[j] = V::bit_or(V::bit_and(low, low_mask), V::bit_and(top, high_mask));
        });
        const Int scale = half == 0 ? V::first_scale(pairs) : V::second_scale(pairs);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const int8_t* q = block(m)->q + 16 * half;
          const Int xs[4] = {V::broadcast_word(q), V::broadcast_word(q + 4), V::broadcast_word(q + 8),
                             V::broadcast_word(q + 12)};
          partial[m] = V::add_scaled(partial[m], scale, w, xs);
        });
      });
      const Float d = V::load_half(super);
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        sums[m] = V::fma(V::to_float(partial[m]), V::mul(d, V::broadcast(&block(m)->scale)), sums[m]);
      });
    }
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE { V::store(out + m * V::kLanes, sums[m]); });
  }
};

}  // namespace msc::cpu
