#pragma once

#include "cpu/linear/five_bit_kernel.h"
#include "cpu/linear/float_kernel.h"
#include "cpu/linear/nibble_kernel.h"
#include "cpu/linear/table_values.h"

namespace msc::cpu {

/// Exact float32 values of step `block` (kColumns columns) of a row group, as [column][row]. The arithmetic is that of
/// unpack_row: products of scales and elements are exact, a minimum is added with one rounding.
template <class Scales>
struct UnpackNibbles {
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, float* panel) {
    const NibbleScales<V> w = Scales::template load<V>(scales, block);
    const auto mask = V::splat(15);
    unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
      const auto words = V::load_words(elements + (block * 4 + c) * 4 * V::kLanes);
      unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
        const auto low = V::bit_and(V::template shift_right<8 * j>(words), mask);
        const auto high = V::bit_and(V::template shift_right<8 * j + 4>(words), mask);
        float* at = panel + (4 * c + j) * V::kLanes;
        V::store(at, V::add(V::mul(V::to_float(low), w.scale), w.minimum));
        V::store(at + 16 * V::kLanes, V::add(V::mul(V::to_float(high), w.scale), w.minimum));
      });
    });
  }
};

template <class Scales>
struct UnpackFiveBits {
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, float* panel) {
    const NibbleScales<V> w = Scales::template load<V>(scales, block);
    const auto mask = V::splat(31);
    unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
      typename V::Int words[4];
      unpack_five_bits<V, half>(elements + block * 20 * V::kLanes, words);
      unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
        unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
          const auto q = V::bit_and(V::template shift_right<8 * j>(words[c]), mask);
          V::store(panel + (16 * half + 4 * c + j) * V::kLanes, V::add(V::mul(V::to_float(q), w.scale), w.minimum));
        });
      });
    });
  }
};

template <class Scales>
struct UnpackCodes {
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, float* panel) {
    const HalfScales<V> w = Scales::template load<V>(scales, block);
    const CodeValues<V, typename Scales::Table> table;
    unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
      typename V::Int values[2];
      table.both(V::load_words(elements + (block * 4 + c) * 4 * V::kLanes), values[0], values[1]);
      unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
        unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
          const auto value = V::template shift_right_signed<24>(V::template shift_left<24 - 8 * j>(values[half]));
          auto result = V::mul(V::to_float(value), half == 0 ? w.first : w.second);
          if constexpr (Scales::kHasFactor) {
            result = V::mul(result, Scales::template factor<V>(scales));
          }
          V::store(panel + (16 * half + 4 * c + j) * V::kLanes, result);
        });
      });
    });
  }
};

struct UnpackQ8_0 {
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, float* panel) {
    const auto scale = V::load_half(scales + block * V::kLanes * 2);
    unroll<8>([&](auto c) MSC_ALWAYS_INLINE {
      const auto words = V::load_words(elements + (block * 8 + c) * 4 * V::kLanes);
      unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
        const auto value = V::template shift_right_signed<24>(V::template shift_left<24 - 8 * j>(words));
        V::store(panel + (4 * c + j) * V::kLanes, V::mul(V::to_float(value), scale));
      });
    });
  }
};

struct UnpackQ6_K {
  static constexpr int kColumns = 32;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, float* panel) {
    const std::byte* super = scales + block / 8 * V::kLanes * 18;
    const auto pairs = V::load_i8_pairs(super + V::kLanes * (2 + block % 8 * 2));
    const auto d = V::load_half(super);
    const auto low_mask = V::splat(15);
    const auto high_mask = V::splat(0x30);
    unroll<2>([&](auto half) MSC_ALWAYS_INLINE {
      auto factor = V::template shift_right_signed<16>(pairs);
      if constexpr (half == 0) {
        factor = V::template shift_right_signed<16>(V::template shift_left<16>(pairs));
      }
      const auto scale = V::mul(d, V::to_float(factor));
      const auto high = V::load_words(elements + (block * 6 + 4 + half) * 4 * V::kLanes);
      unroll<4>([&](auto c) MSC_ALWAYS_INLINE {
        const auto low = V::load_words(elements + (block * 6 + c) * 4 * V::kLanes);
        unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
          constexpr int kHighBit = 8 * j + 2 * c;  // comes to bit 4
          auto top = high;
          if constexpr (kHighBit < 4) {
            top = V::template shift_left<4 - kHighBit>(high);
          } else {
            top = V::template shift_right<kHighBit - 4>(high);
          }
          const auto q = V::bit_or(V::bit_and(V::template shift_right<8 * j + 4 * half>(low), low_mask),
                                   V::bit_and(top, high_mask));
          V::store(panel + (16 * half + 4 * c + j) * V::kLanes,
                   V::mul(V::to_float(V::int_sub(q, V::splat(32))), scale));
        });
      });
    });
  }
};

struct UnpackBF16 {
  static constexpr int kColumns = 2;
  template <class V>
  static void run(const std::byte*, const std::byte* elements, int64_t pair, float* panel) {
    const std::byte* at = elements + pair * LoadBF16::kBytes<V>;
    V::store(panel, LoadBF16::load<V, 0>(at));
    V::store(panel + V::kLanes, LoadBF16::load<V, 1>(at));
  }
};

/// A chunk of columns of two row groups is unpacked to float32, then multiplied as float weights are: for quantised
/// formats at reference precision, and for bf16 and many rows.
template <class V, class Unpack, int Groups>
void panel_groups(const MatrixTile& tile, int first_group) {
  alignas(64) float panel[Groups][kFloatChunk * V::kLanes];
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    float* out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t column = 0; column < tile.cols; column += kFloatChunk) {
      const int64_t count = tile.cols - column < kFloatChunk ? tile.cols - column : kFloatChunk;
      for (int i = 0; i < Groups; ++i) {
        const std::byte* group = tile.group + static_cast<size_t>(g + i) * tile.group_bytes;
        for (int64_t k = 0; k < count; k += Unpack::kColumns) {
          const int64_t block = (column + k) / Unpack::kColumns;
          if constexpr (requires { Unpack::kHasGroups; }) {
            Unpack::template run<V>(group, group + tile.elements_offset, block, tile.group_shift,
                                    panel[i] + k * V::kLanes);
          } else {
            Unpack::template run<V>(group, group + tile.elements_offset, block, panel[i] + k * V::kLanes);
          }
        }
      }
      float_rows<V, LoadF32, V::kFloatRows, Groups>(reinterpret_cast<const std::byte*>(panel), sizeof panel[0], count,
                                                    tile, 0, column, out);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      panel_groups<V, Unpack, Groups / 2>(tile, g);
    }
  }
}

template <class V, class Unpack>
void panel_matrix(const MatrixTile& tile) {
  clear_tile<V>(tile);
  panel_groups<V, Unpack, 2>(tile, 0);
}

/// Splitting pairs while multiplying costs registers that a full tile needs: rows of several tiles share a panel.
template <class V>
void bf16_matrix(const MatrixTile& tile) {
  if (tile.num_rows <= V::kFloatRows) {
    float_matrix<V, LoadBF16>(tile);
  } else {
    panel_matrix<V, UnpackBF16>(tile);
  }
}

}  // namespace msc::cpu
