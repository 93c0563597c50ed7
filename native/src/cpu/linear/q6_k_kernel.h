#pragma once

#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

/// Products of 6-bit weights w = d * scale * (q - 32), scale per 16 columns: the integer
/// sum of scale * q * q_x - 32 * scale * (sum of q_x) over a sub-block is exact, then out += it * (d * scale_x).
struct Q6_KKernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    int64_t at = slice.begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = slice.begin; b < slice.end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const std::byte* group = slice.group + g * slice.group_bytes;
        const std::byte* words = group + slice.elements_offset + b * (6 * kVectorBytes);
        const std::byte* super = group + b / 8 * V::kLanes * 18;
        const Int pairs = V::load_i8_pairs(super + V::kLanes * (2 + b % 8 * 2));
        Int partial[Rows];
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const Int offset = V::dot_pairs(pairs, V::broadcast_word(state.block(m, at)->half_sums));
          partial[m] = V::int_sub(V::int_zero(), V::template shift_left<5>(offset));
        });
        unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
          Int w[4];
          unpack_half<V, half>(words, w);
          const Int scale = half == 0 ? V::first_scale(pairs) : V::second_scale(pairs);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            const int8_t* q = state.block(m, at)->q + 16 * half;
            const Int xs[4] = {V::broadcast_word(q), V::broadcast_word(q + 4), V::broadcast_word(q + 8),
                               V::broadcast_word(q + 12)};
            partial[m] = V::add_scaled(partial[m], scale, w, xs);
          });
        });
        const Float d = V::load_half(super);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const Float factor = V::mul(d, V::broadcast(&state.block(m, at)->scale));
          state.sums[m][g] = V::fma(V::to_float(partial[m]), factor, state.sums[m][g]);
        });
      });
    }
    state.store(slice);
  }

 private:
  /// Four words of 6-bit values, one a byte: columns 16 * Half onwards of a sub-block.
  template <class V, int Half>
  MSC_ALWAYS_INLINE static void unpack_half(const std::byte* words, typename V::Int (&w)[4]) {
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    const Int low_mask = V::splat(0x0F0F0F0Fu);
    const Int high_mask = V::splat(0x30303030u);
    const Int high = V::load_words(words + (4 + Half) * kVectorBytes);
    unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
      Int low = V::load_words(words + j * kVectorBytes);
      if constexpr (Half == 1) {
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
  }
};

}  // namespace msc::cpu
