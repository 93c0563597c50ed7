#pragma once

#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

/// Scale and minimum of the rows of a group in one sub-block: w = scale * q + minimum, q = 0..15.
template <class V>
struct NibbleScales {
  typename V::Float scale;
  typename V::Float minimum;
};

struct ScalesQ4_0 {
  static constexpr int64_t kBytesOf8Blocks = 16;  // of one row
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const auto d = V::load_half(scales + block * V::kLanes * 2);
    return {d, V::mul(d, V::set1(-8.0f))};
  }
};

struct ScalesQ4_1 {
  static constexpr int64_t kBytesOf8Blocks = 32;
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const std::byte* at = scales + block * V::kLanes * 4;
    return {V::load_half(at), V::load_half(at + V::kLanes * 2)};
  }
};

struct ScalesQ4_K {
  static constexpr int64_t kBytesOf8Blocks = 20;
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const std::byte* super = scales + block / 8 * V::kLanes * 20;
    const std::byte* sub = super + V::kLanes * (4 + block % 8 * 2);
    return {V::mul(V::load_half(super), V::load_u8(sub)),
            V::mul(V::load_half(super + V::kLanes * 2), V::load_u8(sub + V::kLanes))};
  }
};

/// The scales of a sub-block, wherever the format keeps them.
template <class Scales, class V>
MSC_ALWAYS_INLINE inline NibbleScales<V> load_nibble_scales(const std::byte* scales, int64_t block, int group_shift) {
  if constexpr (requires { Scales::kHasGroups; }) {
    return Scales::template load<V>(scales, block, group_shift);
  } else {
    return Scales::template load<V>(scales, block);
  }
}

/// Products of 4-bit weights and int8 activations: the integer sum of a sub-block is exact, then
/// out += sum * (scale_w * scale_x) and out += minimum_w * (scale_x * sum of q_x), in this order.
template <class Scales>
struct NibbleKernel {
  template <class V, int Rows, int Groups>
  __attribute__((noinline)) static void run(const Int8Slice& slice) {
    using Float = typename V::Float;
    using Int = typename V::Int;
    constexpr int kVectorBytes = 4 * V::kLanes;
    Int8Sums<V, Rows, Groups> state(slice);
    const std::byte* elements = slice.group + slice.elements_offset;
    const Int mask = V::splat(0x0F0F0F0Fu);
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
      unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          const Int packed = V::load_words(elements + g * slice.group_bytes + (b * 4 + c) * kVectorBytes);
          const Int low = V::bit_and(packed, mask);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            const Int q = V::broadcast_word(state.block(m, at)->q + 4 * c);
            if constexpr (c == 0) {
              partial[m][g] = V::start_small(low, q);
            } else {
              partial[m][g] = V::add_small(partial[m][g], low, q);
            }
          });
          const Int high = V::bit_and(V::template shift_right<4>(packed), mask);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
            partial[m][g] =
                V::add_small(partial[m][g], high, V::broadcast_word(state.block(m, at)->q + 16 + 4 * c));
          });
        });
      });
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const NibbleScales<V> w =
            load_nibble_scales<Scales, V>(slice.group + g * slice.group_bytes, b, slice.group_shift);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const ActivationBlock* x = state.block(m, at);
          const Float sum = V::to_float(V::finish_small(partial[m][g]));
          Float& total = state.sums[m][g];
          total = V::fma(sum, V::mul(w.scale, V::broadcast(&x->scale)), total);
          total = V::fma(w.minimum, V::broadcast(&x->sum), total);
        });
      });
    }
    state.store(slice);
  }
};

}  // namespace msc::cpu
