#pragma once

#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

/// Products of signed 8-bit weights and activations: out += (exact integer sum of a sub-block) * (scale_w * scale_x).
struct Q8_0Kernel {
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
    int64_t at = begin * static_cast<int64_t>(sizeof(ActivationBlock));
    for (int64_t b = begin; b < end; ++b, at += sizeof(ActivationBlock)) {
      opaque(at);
      const auto block = [&](int m) MSC_ALWAYS_INLINE { return reinterpret_cast<const ActivationBlock*>(x[m] + at); };
      const std::byte* words = elements + b * (8 * kVectorBytes);
      Int partial[Rows];
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE { partial[m] = V::start_signed(&block(m)->minus_128_sum); });
      unroll<8>([&](auto c) MSC_ALWAYS_INLINE {
        if constexpr (Rows == 1 && c * kVectorBytes % 64 == 0) {
          V::prefetch(words + V::kPrefetchBytes + c * kVectorBytes);
        }
        const auto w = V::prepare_signed(V::load_words(words + c * kVectorBytes));
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          partial[m] = V::add_signed(partial[m], w, V::broadcast_word(block(m)->q + 4 * c));
        });
      });
      const Float scale = V::load_half(scales + b * V::kLanes * 2);
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        sums[m] = V::fma(V::to_float(partial[m]), V::mul(scale, V::broadcast(&block(m)->scale)), sums[m]);
      });
    }
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE { V::store(out + m * V::kLanes, sums[m]); });
  }
};

}  // namespace msc::cpu
