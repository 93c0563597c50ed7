#pragma once

#include "cpu/linear/nibble_kernel.h"

namespace msc::cpu {

struct ScalesQ5_0 {
  static constexpr int64_t kBytesOf8Blocks = 16;  // of one row
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const auto d = V::load_half(scales + block * V::kLanes * 2);
    return {d, V::mul(d, V::set1(-16.0f))};
  }
};

/// Words of 4 columns of 5-bit weights, one a byte: columns 16 * Half onwards of a sub-block of five packed words.
template <class V, int Half>
MSC_ALWAYS_INLINE inline void unpack_five_bits(const std::byte* words, typename V::Int (&w)[4]) {
  using Int = typename V::Int;
  constexpr int kVectorBytes = 4 * V::kLanes;
  const Int low_mask = V::splat(0x0F0F0F0Fu);
  const Int fifth_mask = V::splat(0x10101010u);
  const Int fifth = V::load_words(words + 4 * kVectorBytes);
  unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
    Int low = V::load_words(words + c * kVectorBytes);
    Int top = fifth;
    if constexpr (Half == 0) {
      top = V::template shift_left<4 - c>(fifth);
    } else {
      low = V::template shift_right<4>(low);
      if constexpr (c > 0) {
        top = V::template shift_right<c>(fifth);
      }
    }
    w[c] = V::bit_or(V::bit_and(low, low_mask), V::bit_and(top, fifth_mask));
  });
}

/// Products of 5-bit weights w = scale * q + minimum, q = 0..31, and int8 activations; the arithmetic is NibbleKernel's.
/// A half of a sub-block at a time: 16 products of 31 and 127 are what two lanes of 16 bits hold.
template <class Scales>
struct FiveBitKernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kSubBlockBytes = 5 * 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    int64_t at = slice.begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = slice.begin; b < slice.end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const std::byte* group = slice.group + g * slice.group_bytes;
        const std::byte* words = group + slice.elements_offset + b * kSubBlockBytes;
        if constexpr (Rows == 1) {
          prefetch_lines<V, kSubBlockBytes>(words);
          prefetch_lines<V, 1>(group + b * V::kLanes * Scales::kBytesOf8Blocks / 8);
        }
        Int partial[Rows];
        unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
          Int w[4];
          unpack_five_bits<V, half>(words, w);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            const int8_t* q = state.block(m, at)->q + 16 * half;
            const Int xs[4] = {V::broadcast_word(q), V::broadcast_word(q + 4), V::broadcast_word(q + 8),
                               V::broadcast_word(q + 12)};
            partial[m] = half == 0 ? V::dot_four(w, xs) : V::add_four(partial[m], w, xs);
          });
        });
        const NibbleScales<V> scales = Scales::template load<V>(group, b);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const ActivationBlock* x = state.block(m, at);
          Float& total = state.sums[m][g];
          total = V::fma(V::to_float(partial[m]), V::mul(scales.scale, V::broadcast(&x->scale)), total);
          total = V::fma(scales.minimum, V::broadcast(&x->sum), total);
        });
      });
    }
    state.store(slice);
  }
};

}  // namespace msc::cpu
