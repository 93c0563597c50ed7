#pragma once

#include "cpu/linear/nibble_kernel.h"

namespace msc::cpu {

/// Scales of U4: w = scale * (q - zero) = scale * q + minimum.
struct GroupedNibbleScales {
  static constexpr bool kHasGroups = true;
  static constexpr int64_t kBytesOf8Blocks = 10;  // of groups of 128 columns, for prefetching
  template <class V>
  MSC_ALWAYS_INLINE static const std::byte* at(const std::byte* scales, int64_t block, int group_shift) {
    return scales + (block * 32 >> group_shift) * (5 * V::kLanes);
  }
  template <class V>
  MSC_ALWAYS_INLINE static NibbleScales<V> load(const std::byte* scales, int64_t block, int group_shift) {
    const std::byte* group = at<V>(scales, block, group_shift);
    const auto scale = V::load(reinterpret_cast<const float*>(group));
    return {scale, V::mul(V::mul(V::load_u8(group + 4 * V::kLanes), V::set1(-1.0f)), scale)};
  }
};

/// Products of signed 8-bit weights with zero points: out += sum * (scale_w * scale_x), then
/// out += -zero * scale_w * (scale_x * sum of q_x).
struct GroupedInt8Kernel {
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
        const std::byte* group =
            slice.group + g * slice.group_bytes + (b * 32 >> slice.group_shift) * (6 * V::kLanes);
        const Float scale = V::load(reinterpret_cast<const float*>(group));
        const Float minimum = V::mul(V::mul(V::load_half(group + 4 * V::kLanes), V::set1(-1.0f)), scale);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const ActivationBlock* x = state.block(m, at);
          Float& total = state.sums[m][g];
          total = V::fma(V::to_float(partial[m][g]), V::mul(scale, V::broadcast(&x->scale)), total);
          total = V::fma(minimum, V::broadcast(&x->sum), total);
        });
      });
    }
    state.store(slice);
  }
};

/// See unpack_panel.h. (q - zero) is exact, its product with the scale rounds once.
struct UnpackGroupedU4 {
  static constexpr bool kHasGroups = true;
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, int group_shift, float* panel) {
    const std::byte* group = GroupedNibbleScales::at<V>(scales, block, group_shift);
    const auto scale = V::load(reinterpret_cast<const float*>(group));
    const auto zero = V::mul(V::load_u8(group + 4 * V::kLanes), V::set1(-1.0f));
    const auto mask = V::splat(15);
    unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
      const auto words = V::load_words(elements + (block * 4 + c) * 4 * V::kLanes);
      unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
        const auto low = V::bit_and(V::template shift_right<8 * j>(words), mask);
        const auto high = V::bit_and(V::template shift_right<8 * j + 4>(words), mask);
        float* at = panel + (4 * c + j) * V::kLanes;
        V::store(at, V::mul(V::add(V::to_float(low), zero), scale));
        V::store(at + 16 * V::kLanes, V::mul(V::add(V::to_float(high), zero), scale));
      });
    });
  }
};

struct UnpackGroupedI8 {
  static constexpr bool kHasGroups = true;
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, int group_shift, float* panel) {
    const std::byte* group = scales + (block * 32 >> group_shift) * (6 * V::kLanes);
    const auto scale = V::load(reinterpret_cast<const float*>(group));
    const auto zero = V::mul(V::load_half(group + 4 * V::kLanes), V::set1(-1.0f));
    unroll<8>([&](auto c) MSC_ALWAYS_INLINE {
      const auto words = V::load_words(elements + (block * 8 + c) * 4 * V::kLanes);
      unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
        const auto value = V::template shift_right_signed<24>(V::template shift_left<24 - 8 * j>(words));
        V::store(panel + (4 * c + j) * V::kLanes, V::mul(V::add(V::to_float(value), zero), scale));
      });
    });
  }
};

}  // namespace msc::cpu
