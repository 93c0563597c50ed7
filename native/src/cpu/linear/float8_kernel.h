#pragma once

#include "cpu/linear/unpack_panel.h"

namespace msc::cpu {

/// Byte `Byte` of each word, an E4M3 float, times its scale. As float bits, exponent and mantissa moved to their place are
/// the value times 2^-120, subnormals too; the packed scale has 2^120 in it, so that the product rounds once.
template <class V, int Byte>
MSC_ALWAYS_INLINE inline typename V::Float load_float8(typename V::Int words, typename V::Float scale) {
  const auto top = V::template shift_left<24 - 8 * Byte>(words);
  return V::mul(V::as_float(V::bit_and(V::template shift_right_signed<4>(top), V::splat(0x87F00000u))), scale);
}

struct UnpackFloat8 {
  static constexpr bool kHasGroups = true;
  static constexpr int kColumns = 4;
  template <class V>
  static void run(const std::byte* scales, const std::byte* elements, int64_t block, int group_shift, float* panel) {
    const auto scale = V::load(reinterpret_cast<const float*>(scales + (block * 4 >> group_shift) * 4 * V::kLanes));
    const auto words = V::load_words(elements + block * 4 * V::kLanes);
    unroll<4>([&](auto j) MSC_ALWAYS_INLINE { V::store(panel + j * V::kLanes, load_float8<V, j>(words, scale)); });
  }
};

/// float_tile of four columns a step, the weights brought to float32 on the way: the same order of additions as panels have.
template <class V, int Rows, int Groups>
__attribute__((noinline)) void float8_tile(const MatrixTile& tile, const std::byte* groups, int64_t column,
                                           int64_t num_columns, float* out) {
  using Float = typename V::Float;
  Float sums[Rows][Groups];
  const float* x[Rows];
  unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
    x[m] = reinterpret_cast<const float*>(tile.rows[m]) + column;
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { sums[m][g] = V::zero(); });
  });
  for (int64_t k = 0; k < num_columns; k += 4) {
    typename V::Int words[Groups];
    Float scale[Groups];
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
      const std::byte* group = groups + g * tile.group_bytes;
      const std::byte* elements = group + tile.elements_offset + (column + k) * V::kLanes;
      if constexpr (Rows == 1) {
        V::prefetch(elements + V::kFloatPrefetchBytes);
      }
      words[g] = V::load_words(elements);
      scale[g] = V::load(reinterpret_cast<const float*>(group + ((column + k) >> tile.group_shift) * 4 * V::kLanes));
    });
    unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const Float w = load_float8<V, j>(words[g], scale[g]);
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          sums[m][g] = V::fma(w, V::broadcast(x[m] + k + j), sums[m][g]);
        });
      });
    });
  }
  unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
      float* target = out + (static_cast<int64_t>(g) * tile.num_rows + m) * V::kLanes;
      V::store(target, V::add(V::load(target), sums[m][g]));
    });
  });
}

template <class V, int Rows, int Groups>
void float8_groups(const MatrixTile& tile, int first_group) {
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    float* out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t column = 0; column < tile.cols; column += kFloatChunk) {
      float8_tile<V, Rows, Groups>(tile, tile.group + static_cast<size_t>(g) * tile.group_bytes, column,
                                   tile.cols - column < kFloatChunk ? tile.cols - column : kFloatChunk, out);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      float8_groups<V, Rows, Groups / 2>(tile, g);
    }
  }
}

/// Few rows take the weights from memory straight into registers; more share what was unpacked once.
template <class V>
void float8_matrix(const MatrixTile& tile) {
  if (tile.num_rows > 2) {
    panel_matrix<V, UnpackFloat8>(tile);
    return;
  }
  clear_tile<V>(tile);
  if (tile.num_rows == 1) {
    float8_groups<V, 1, 4>(tile, 0);
  } else {
    float8_groups<V, 2, 4>(tile, 0);
  }
}

}  // namespace msc::cpu
