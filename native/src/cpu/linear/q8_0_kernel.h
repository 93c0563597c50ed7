#pragma once

#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

/// Products of signed 8-bit weights and activations: out += (exact integer sum of a sub-block) * (scale_w * scale_x).
struct Q8_0Kernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    const std::byte* elements = slice.group + slice.elements_offset;
    int64_t at = slice.begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = slice.begin; b < slice.end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      Int partial[Rows][Groups];
      if constexpr (Rows == 1) {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          prefetch_lines<V, 8 * kVectorBytes>(elements + g * slice.group_bytes + b * 8 * kVectorBytes);
          prefetch_lines<V, 1>(slice.group + g * slice.group_bytes + b * V::kLanes * 2);
        });
      }
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          partial[m][g] = V::start_signed(&state.block(m, at)->minus_128_sum);
        });
      });
      unroll<8>([&](auto c) MSC_ALWAYS_INLINE {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          const auto w =
              V::prepare_signed(V::load_words(elements + g * slice.group_bytes + (b * 8 + c) * kVectorBytes));
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            partial[m][g] = V::add_signed(partial[m][g], w, V::broadcast_word(state.block(m, at)->q + 4 * c));
          });
        });
      });
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const Float scale = V::load_half(slice.group + g * slice.group_bytes + b * V::kLanes * 2);
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
