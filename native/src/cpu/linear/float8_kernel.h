#pragma once

#include "cpu/linear/unpack_panel.h"

namespace msc::cpu {

/// E4M3 weights. As bf16, exponent and mantissa moved to their place are the value times 2^-120, subnormals too. They are
/// multiplied as such: the columns that share a scale (kFloatChunk at most) are summed from zero, and the sum takes the
/// scale, which has 2^120 in it: out += scale * sum. That is part of the result's definition, for every number of rows.
/// Products of small weights would come near the smallest floats, so one of the factors gets 2^40 first; at 2^88 an
/// input overflows.
inline constexpr float kFloat8Raise = 0x1p40f;

/// Columns 2 * Pair (low half) and 2 * Pair + 1 of each word as bf16. A word holds its columns in the order 0, 2, 1, 3.
template <class V, int Pair>
MSC_ALWAYS_INLINE inline typename V::Int float8_pair(typename V::Int words) {
  const auto top = Pair == 0 ? V::template shift_halves_left<8>(words) : words;
  return V::bit_and(V::template shift_halves_right_signed<4>(top), V::splat(0x87F087F0u));
}

template <class V, int Column>
MSC_ALWAYS_INLINE inline typename V::Float float8_column(typename V::Int pair) {
  return V::as_float(Column == 0 ? V::template shift_left<16>(pair) : V::bit_and(pair, V::splat(0xFFFF0000u)));
}

/// The scales of a group of columns, without the 2^40.
template <class V>
MSC_ALWAYS_INLINE inline typename V::Float load_float8_scale(const std::byte* group, int64_t column, int group_shift) {
  const auto* scales = reinterpret_cast<const float*>(group + (column >> group_shift) * 4 * V::kLanes);
  return V::mul(V::load(scales), V::set1(1 / kFloat8Raise));
}

/// Columns from `column` on that are summed before they are scaled.
inline int64_t float8_run(const MatrixTile& tile, int64_t column) {
  const int64_t group = tile.group_shift < 8 ? int64_t{1} << tile.group_shift : kFloatChunk;
  return tile.cols - column < group ? tile.cols - column : group;
}

/// A run of columns straight from memory. @param x [Rows][kFloatChunk] inputs of the run, times 2^40.
template <class V, int Rows, int Groups>
__attribute__((noinline)) void float8_tile(const MatrixTile& tile, const std::byte* groups, int64_t column, int64_t count,
                                           const float (*x)[kFloatChunk], float* out) {
  using Float = typename V::Float;
  Float sums[Rows][Groups];
  unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { sums[m][g] = V::zero(); });
  });
  const std::byte* elements = groups + tile.elements_offset + column * V::kLanes;
  const auto step = [&](int64_t k) MSC_ALWAYS_INLINE {
    unroll<2>([&](auto pair) MSC_ALWAYS_INLINE {
      Float value[Rows][2];
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        value[m][0] = V::broadcast(x[m] + k + 2 * pair);
        value[m][1] = V::broadcast(x[m] + k + 2 * pair + 1);
      });
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        const auto both = float8_pair<V, pair>(V::load_words(elements + g * tile.group_bytes + k * V::kLanes));
        unroll<2>([&](auto j) MSC_ALWAYS_INLINE {
          const Float w = float8_column<V, j>(both);
          unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE { sums[m][g] = V::fma(w, value[m][j], sums[m][g]); });
        });
      });
    });
  };
  int64_t k = 0;
  for (; k + 8 <= count; k += 8) {
    if constexpr (Rows == 1) {
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
        unroll<V::kLanes / 8>([&](auto i) MSC_ALWAYS_INLINE {
          V::prefetch(elements + g * tile.group_bytes + k * V::kLanes + V::kInt8PrefetchBytes + 64 * i);
        });
      });
    }
    step(k);
    step(k + 4);
  }
  if (k < count) {
    step(k);
  }
  unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
    const Float scale = load_float8_scale<V>(groups + g * tile.group_bytes, column, tile.group_shift);
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
      float* target = out + (static_cast<int64_t>(g) * tile.num_rows + m) * V::kLanes;
      V::store(target, V::fma(scale, sums[m][g], V::load(target)));
    });
  });
}

template <class V, int Rows, int Groups>
void float8_groups(const MatrixTile& tile, int first_group) {
  alignas(64) float x[Rows][kFloatChunk];
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    float* out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t column = 0, count; column < tile.cols; column += count) {
      count = float8_run(tile, column);
      for (int m = 0; m < Rows; ++m) {
        const float* row = reinterpret_cast<const float*>(tile.rows[m]) + column;
        for (int64_t k = 0; k < count; ++k) {
          x[m][k] = row[k] * kFloat8Raise;
        }
      }
      float8_tile<V, Rows, Groups>(tile, tile.group + static_cast<size_t>(g) * tile.group_bytes, column, count, x, out);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      float8_groups<V, Rows, Groups / 2>(tile, g);
    }
  }
}

/// Many rows share the weights of a run, brought to float32 once, times 2^40; their scales follow them.
template <class V, int Groups>
void float8_panels(const MatrixTile& tile, int first_group) {
  alignas(64) float panel[Groups][(kFloatChunk + 1) * V::kLanes];
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    float* out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t column = 0, count; column < tile.cols; column += count) {
      count = float8_run(tile, column);
      for (int i = 0; i < Groups; ++i) {
        const std::byte* group = tile.group + static_cast<size_t>(g + i) * tile.group_bytes;
        float* at = panel[i];
        for (int64_t k = 0; k < count; k += 4) {
          const auto words = V::load_words(group + tile.elements_offset + (column + k) * V::kLanes);
          unroll<4>([&](auto j) MSC_ALWAYS_INLINE {
            const auto w = float8_column<V, j % 2>(float8_pair<V, j / 2>(words));
            V::store(at, V::mul(w, V::set1(kFloat8Raise)));
            at += V::kLanes;
          });
        }
        V::store(at, load_float8_scale<V>(group, column, tile.group_shift));
      }
      float_rows<V, LoadScaledF32, V::kFloatRows, Groups>(reinterpret_cast<const std::byte*>(panel), sizeof panel[0],
                                                          count, tile, 0, column, out);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      float8_panels<V, Groups / 2>(tile, g);
    }
  }
}

template <class V>
void float8_matrix(const MatrixTile& tile) {
  clear_tile<V>(tile);
  if (tile.num_rows == 1) {
    float8_groups<V, 1, 4>(tile, 0);
  } else if (tile.num_rows == 2) {
    float8_groups<V, 2, 4>(tile, 0);
  } else {
    float8_panels<V, 2>(tile, 0);
  }
}

}  // namespace msc::cpu
