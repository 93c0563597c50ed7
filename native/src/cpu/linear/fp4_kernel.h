#pragma once

#include "cpu/linear/table_values.h"

namespace msc::cpu {

/// Products of E2M1 weights and int8 activations. Codes become their doubled values plus 12, which are unsigned and so
/// small that 16 columns fit 16 bits; 12 times the sum of the activations goes off again. All of that is exact; then
/// out += it * (scale_w * scale_x), half by half where each half has a scale.
template <class Scales>
struct Fp4Kernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    const CodeValues<V, TableRaisedE2m1> values;
    int64_t at = slice.begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = slice.begin; b < slice.end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const std::byte* group = slice.group + g * slice.group_bytes;
        const std::byte* words = group + slice.elements_offset + b * (4 * kVectorBytes);
        if constexpr (Rows == 1) {
          prefetch_lines<V, 4 * kVectorBytes>(words);
          prefetch_lines<V, 1>(group + b * V::kLanes * Scales::kBytesOf8Blocks / 8);
        }
        Int partial[2][Rows];
        unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
          Int w[4];
          unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
            w[c] = values.template half<half>(V::load_words(words + c * kVectorBytes));
          });
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            const int8_t* q = state.block(m, at)->q + 16 * half;
            const Int xs[4] = {V::broadcast_word(q), V::broadcast_word(q + 4), V::broadcast_word(q + 8),
                               V::broadcast_word(q + 12)};
            if constexpr (half == 1 && !Scales::kOfHalves) {
              partial[0][m] = V::add_four(partial[0][m], w, xs);
            } else {
              partial[half][m] = V::dot_four(w, xs);
            }
          });
        });
        const HalfScales<V> scales = Scales::template load<V>(group, b);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const ActivationBlock* x = state.block(m, at);
          const Int sums = V::broadcast_word(x->half_sums);
          Float x_scale = V::broadcast(&x->scale);
          Float& total = state.sums[m][g];
          if constexpr (Scales::kHasFactor) {
            x_scale = V::mul(x_scale, Scales::template factor<V>(group));
          }
          if constexpr (Scales::kOfHalves) {
            const Int first = V::int_sub(partial[0][m], V::dot_pairs(sums, V::splat(0x0000000Cu)));
            const Int second = V::int_sub(partial[1][m], V::dot_pairs(sums, V::splat(0x000C0000u)));
            total = V::fma(V::to_float(first), V::mul(scales.first, x_scale), total);
            total = V::fma(V::to_float(second), V::mul(scales.second, x_scale), total);
          } else {
            const Int sum = V::int_sub(partial[0][m], V::dot_pairs(sums, V::splat(0x000C000Cu)));
            total = V::fma(V::to_float(sum), V::mul(scales.first, x_scale), total);
          }
        });
      });
    }
    state.store(slice);
  }
};

}  // namespace msc::cpu
