#pragma once

#include <type_traits>

#include "cpu/linear/matrix_tile.h"
#include "cpu/simd/unroll.h"

namespace msc::cpu {

/// Columns summed from zero before they are added to an output element. Part of the result's definition: every float
/// kernel of every batch size keeps it. Short partial sums also halve the digits lost over a long row.
inline constexpr int64_t kFloatChunk = 256;

/// Where a float tile takes the weights of `kStep` consecutive columns of 8 or 16 rows.
struct LoadF32 {
  static constexpr int kInputBytes = 4;  // of one column of the input
  static constexpr int kStep = 1;
  template <class V>
  static constexpr int kBytes = 4 * V::kLanes;
  template <class V, int I>
  MSC_ALWAYS_INLINE static typename V::Float load(const std::byte* at) {
    return V::load(reinterpret_cast<const float*>(at));
  }
};

/// As LoadF32, and the scales of the rows follow the last column: their sum is multiplied with them.
struct LoadScaledF32 : LoadF32 {
  static constexpr bool kHasScales = true;
};

struct LoadF16 {
  static constexpr int kInputBytes = 4;  // of one column of the input
  static constexpr int kStep = 1;
  template <class V>
  static constexpr int kBytes = 2 * V::kLanes;
  template <class V, int I>
  MSC_ALWAYS_INLINE static typename V::Float load(const std::byte* at) {
    return V::load_half(at);
  }
};

struct LoadBF16 {
  static constexpr int kInputBytes = 4;  // of one column of the input
  static constexpr int kStep = 2;
  template <class V>
  static constexpr int kBytes = 4 * V::kLanes;
  template <class V, int I>
  MSC_ALWAYS_INLINE static typename V::Float load(const std::byte* at) {
    const auto pairs = V::load_words(at);
    return V::as_float(I == 0 ? V::template shift_left<16>(pairs) : V::bit_and(pairs, V::splat(0xFFFF0000u)));
  }
};

/// Pairs of bf16 for the instruction that multiplies pairs; the input is bf16 too.
struct LoadBF16Pairs {
  static constexpr int kInputBytes = 2;
  static constexpr int kStep = 2;
  template <class V>
  static constexpr int kBytes = 4 * V::kLanes;
};

/// out[m][g] += sum over the steps of w[g] * x[m], one chain of multiply-adds per element.
/// @param groups first weights of `Groups` row groups, group_stride bytes apart. @param out row m of group g starts at
/// out + (g * out_rows + m) * lanes.
template <class V, class Load, int Rows, int Groups>
__attribute__((noinline)) void float_tile(const std::byte* groups, size_t group_stride, int64_t steps,
                                          const std::byte* const* rows, int64_t first_column, int out_rows, float* out) {
  using Float = typename V::Float;
  const std::byte* x[Rows];
  Float sums[Rows][Groups];
  unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
    x[m] = rows[m] + first_column * Load::kInputBytes;
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { sums[m][g] = V::zero(); });
  });
  int64_t at = 0;
  for (int64_t step = 0; step < steps; ++step) {
    opaque(at);
    if constexpr (Rows == 1) {
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { V::prefetch(groups + g * group_stride + V::kFloatPrefetchBytes); });
    }
    if constexpr (std::is_same_v<Load, LoadBF16Pairs>) {
      typename V::Int w[Groups];
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { w[g] = V::load_words(groups + g * group_stride); });
      unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
        const auto pair = V::broadcast_word(x[m] + at);
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { sums[m][g] = V::dot_bf16(sums[m][g], w[g], pair); });
      });
    } else {
      unroll<Load::kStep>([&](auto i) MSC_ALWAYS_INLINE {
        Float w[Groups];
        unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
          w[g] = Load::template load<V, i>(groups + g * group_stride);
        });
        unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
          const Float value = V::broadcast(reinterpret_cast<const float*>(x[m] + at) + i);
          unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
            sums[m][g] = V::fma(w[g], value, sums[m][g]);
            V::keep_register(sums[m][g]);
          });
        });
      });
    }
    groups += Load::template kBytes<V>;
    at += Load::kInputBytes * Load::kStep;
  }
  unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
    unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE {
      float* target = out + (static_cast<int64_t>(g) * out_rows + m) * V::kLanes;
      if constexpr (requires { Load::kHasScales; }) {
        const Float scale = V::load(reinterpret_cast<const float*>(groups + g * group_stride));
        V::store(target, V::fma(scale, sums[m][g], V::load(target)));
      } else {
        V::store(target, V::add(V::load(target), sums[m][g]));
      }
    });
  });
}

/// All rows of a tile against `Groups` row groups and one chunk of columns.
template <class V, class Load, int Rows, int Groups>
void float_rows(const std::byte* groups, size_t group_stride, int64_t steps, const MatrixTile& tile, int first_row,
                int64_t first_column, float* out) {
  int m = first_row;
  for (; m + Rows <= tile.num_rows; m += Rows) {
    float_tile<V, Load, Rows, Groups>(groups, group_stride, steps, tile.rows + m, first_column, tile.num_rows,
                                      out + m * V::kLanes);
  }
  if constexpr (Rows > 1) {
    if (m < tile.num_rows) {
      float_rows<V, Load, (Rows > 4 ? Rows / 2 : Rows - 1), Groups>(groups, group_stride, steps, tile, m, first_column,
                                                                   out);
    }
  }
}

template <class V>
void clear_tile(const MatrixTile& tile) {
  for (int64_t i = 0; i < static_cast<int64_t>(tile.num_groups) * tile.num_rows; ++i) {
    V::store(tile.out + i * V::kLanes, V::zero());
  }
}

/// Weights that are floats of some width, straight from the packed groups.
template <class V, class Load, int Rows, int Groups>
void float_groups(const MatrixTile& tile, int first_group) {
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    const std::byte* groups = tile.group + static_cast<size_t>(g) * tile.group_bytes;
    float* out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t column = 0; column < tile.cols; column += kFloatChunk) {
      const int64_t count = tile.cols - column < kFloatChunk ? tile.cols - column : kFloatChunk;
      float_rows<V, Load, Rows, Groups>(groups + column / Load::kStep * Load::template kBytes<V>, tile.group_bytes,
                                        (count + Load::kStep - 1) / Load::kStep, tile, 0, column, out);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      float_groups<V, Load, Rows, Groups / 2>(tile, g);
    }
  }
}

template <class V, class Load>
void float_matrix(const MatrixTile& tile) {
  clear_tile<V>(tile);
  // Few rows take four groups at a time, so that enough chains hide the latency of the multiply-adds.
  if (tile.num_rows == 1) {
    float_groups<V, Load, 1, 4>(tile, 0);
  } else if (tile.num_rows == 2) {
    float_groups<V, Load, 2, 4>(tile, 0);
  } else {
    float_groups<V, Load, V::kFloatRows, 2>(tile, 0);
  }
}

}  // namespace msc::cpu
