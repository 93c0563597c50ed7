#pragma once

#include "cpu/linear/table_values.h"

namespace msc::cpu {

/// Products of 4-bit codes for signed 8-bit values and int8 activations: out += (exact integer sum of a sub-block) *
/// (scale_w * scale_x).
template <class Scales>
struct Iq4Kernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    const std::byte* elements = slice.group + slice.elements_offset;
    const CodeValues<V, typename Scales::Table> values;
    int64_t at = slice.begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = slice.begin; b < slice.end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      Int partial[Rows][Groups];
      if constexpr (Rows == 1) {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          prefetch_lines<V, 4 * kVectorBytes>(elements + g * slice.group_bytes + b * 4 * kVectorBytes);
          prefetch_lines<V, 1>(slice.group + g * slice.group_bytes + b * V::kLanes * Scales::kBytesOf8Blocks / 8);
        });
      }
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          partial[m][g] = V::start_signed(&state.block(m, at)->minus_128_sum);
        });
      });
      unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          const Int packed = V::load_words(elements + g * slice.group_bytes + (b * 4 + c) * kVectorBytes);
          Int low_values, high_values;
          values.both(packed, low_values, high_values);
          const auto low = V::prepare_signed(low_values);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            partial[m][g] = V::add_signed(partial[m][g], low, V::broadcast_word(state.block(m, at)->q + 4 * c));
          });
          const auto high = V::prepare_signed(high_values);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            partial[m][g] =
                V::add_signed(partial[m][g], high, V::broadcast_word(state.block(m, at)->q + 16 + 4 * c));
          });
        });
      });
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const Float scale = Scales::template load<V>(slice.group + g * slice.group_bytes, b).first;
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const Float factor = V::mul(scale, V::broadcast(&state.block(m, at)->scale));
          state.sums[m][g] = V::fma(V::to_float(partial[m][g]), factor, state.sums[m][g]);
        });
      });
    }
    state.store(slice);
  }
};

}  // namespace msc::cpu
