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
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const auto d = V::load_half(scales + block * V::kLanes * 2);
    return {d, V::mul(d, V::set1(-8.0f))};
  }
};

struct ScalesQ4_1 {
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const std::byte* at = scales + block * V::kLanes * 4;
    return {V::load_half(at), V::load_half(at + V::kLanes * 2)};
  }
};

struct ScalesQ4_K {
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block) {
    const std::byte* super = scales + block / 8 * V::kLanes * 20;
    const std::byte* sub = super + V::kLanes * (4 + block % 8 * 2);
    return {V::mul(V::load_half(super), V::load_u8(sub)),
            V::mul(V::load_half(super + V::kLanes * 2), V::load_u8(sub + V::kLanes))};
  }
};

/// Products of 4-bit weights and int8 activations: the integer sum of a sub-block is exact, then
/// out += sum * (scale_w * scale_x) and out += minimum_w * (scale_x * sum of q_x), in this order.
template <class Scales>
struct NibbleKernel {
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
    const Int mask = V::splat(0x0F0F0F0Fu);
    int64_t at = begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = begin; b < end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      const auto block = [&](int m) MSC_ALWAYS_INLINE { return reinterpret_cast<const ActivationBlock*>(x[m] + at); };
      const std::byte* words = elements + b * (4 * kVectorBytes);
      if constexpr (Rows == 1) {
        V::prefetch(words + V::kPrefetchBytes);
        V::prefetch(words + V::kPrefetchBytes + 2 * kVectorBytes);
      }
      Int partial[Rows];
      unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
        const Int packed = V::load_words(words + c * kVectorBytes);
        const Int low = V::bit_and(packed, mask);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const Int q = V::broadcast_word(block(m)->q + 4 * c);
          if constexpr (c == 0) {
            partial[m] = V::start_small(low, q);
          } else {
            partial[m] = V::add_small(partial[m], low, q);
          }
        });
        const Int high = V::bit_and(V::template shift_right<4>(packed), mask);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          partial[m] = V::add_small(partial[m], high, V::broadcast_word(block(m)->q + 16 + 4 * c));
        });
      });
      const NibbleScales<V> w = Scales::template load<V>(scales, b);
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        const Float sum = V::to_float(V::finish_small(partial[m]));
        sums[m] = V::fma(sum, V::mul(w.scale, V::broadcast(&block(m)->scale)), sums[m]);
        sums[m] = V::fma(w.minimum, V::broadcast(&block(m)->sum), sums[m]);
      });
    }
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE { V::store(out + m * V::kLanes, sums[m]); });
  }
};

}  // namespace msc::cpu
