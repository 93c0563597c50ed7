#pragma once

#include <cstdint>

#include "cpu/attention/block.h"

/// Micro-tiles of attention: a few rows against 16-position groups of keys or 16-column panels of values.
/// Every result element is one chain of multiply-adds in a fixed order (channels for scores, positions for values), so
/// that it has the same bits whatever the tile's shape.
namespace msc::cpu {

inline constexpr int64_t kChunkGroups = kAttentionChunk / kKvGroup;

template <class S>
inline constexpr int kGroupVectors = static_cast<int>(kKvGroup) / S::kLanes;

/// 16-wide groups (or panels) that a tile of `rows` rows spans: as many as the accumulators allow, at most 4, since
/// few rows need several independent chains to hide the multiply-add's latency.
template <class S>
constexpr int groups_per_tile(int rows) {
  const int accumulators = S::kLanes == 16 ? 24 : 12;
  const int fit = accumulators / (rows * kGroupVectors<S>);
  return fit < 1 ? 1 : fit > 4 ? 4 : fit;
}

/// sum[r][v] += row_factor(r) * vector(v). Whichever side is smaller is kept in registers: 12 accumulators leave 4.
template <class S, int Rows, int Vectors, class Factor, class Load>
[[gnu::always_inline]] inline void multiply_add(typename S::Vec (&sum)[Rows][Vectors], Factor&& row_factor, Load&& vector) {
  using Vec = typename S::Vec;
  if constexpr (Rows < Vectors) {
    Vec factor[Rows];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      factor[r] = S::set1(row_factor(r));
    }
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      const Vec x = vector(v);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        sum[r][v] = S::fma(factor[r], x, sum[r][v]);
      }
    }
  } else {
    Vec x[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      x[v] = vector(v);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Vec factor = S::set1(row_factor(r));
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        sum[r][v] = S::fma(factor, x[v], sum[r][v]);
      }
    }
  }
}

/// scores[r][16 g + i] = sum over channels of q[r] * key of position i of group g.
/// q is packed [k_width][Rows]; scores rows lie kAttentionChunk apart. `values`, unless NULL: as many bytes per group that
/// will be read soon; `next`: likewise, at once after this tile.
template <class S, class E, int Rows, int Groups>
void score_tile(const float* __restrict q, const E* const* groups, const E* const* values, const E* const* next,
                int64_t k_width, float* __restrict scores) {
  using Vec = typename S::Vec;
  constexpr int kVectors = Groups * kGroupVectors<S>;
  Vec sum[Rows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = S::zero();
    }
  }
  const E* keys[Groups];
#pragma GCC unroll 16
  for (int g = 0; g < Groups; ++g) {
    keys[g] = groups[g];
  }
  for (int64_t d = 0; d < k_width; ++d) {
    if (values != nullptr) {
#pragma GCC unroll 16
      for (int g = 0; g < Groups; ++g) {
        __builtin_prefetch(next[g] + d * kKvGroup, 0, 3);
        __builtin_prefetch(values[g] + d * kKvGroup, 0, 2);
      }
    }
    multiply_add<S, Rows, kVectors>(
        sum, [&](int r) { return q[d * Rows + r]; },
        [&](int v) { return S::load(keys[v / kGroupVectors<S>] + d * kKvGroup + v % kGroupVectors<S> * S::kLanes); });
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      S::store(scores + r * kAttentionChunk + v * S::kLanes, sum[r][v]);
    }
  }
}

/// sums[r][16 j + c] += sum over positions [begin, end) of the chunk of weights[r][position] * value column c of panel
/// `panel` + j. `prefetch`, unless NULL: by group of positions, as many bytes that will be read soon.
template <class S, class E, int Rows, int Panels>
void value_tile(const float* __restrict weights, const E* const* groups, const E* const* prefetch, int64_t panel,
                int64_t panel_stride, int64_t begin, int64_t end, float* __restrict sums, int64_t sums_stride) {
  using Vec = typename S::Vec;
  constexpr int kVectors = Panels * kGroupVectors<S>;
  Vec sum[Rows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = S::load(sums + r * sums_stride + v * S::kLanes);
    }
  }
  while (begin < end) {
    const int64_t group_end = (begin / kKvGroup + 1) * kKvGroup;
    const int64_t stop = group_end < end ? group_end : end;
    const int64_t first = begin % kKvGroup * kKvGroup;
    const E* row = groups[begin / kKvGroup] + panel * panel_stride + first;
    const E* soon = prefetch == nullptr ? nullptr : prefetch[begin / kKvGroup] + panel * kKvGroup * kKvGroup + first;
    for (; begin < stop; ++begin, row += kKvGroup) {
      if (prefetch != nullptr) {
#pragma GCC unroll 16
        for (int j = 0; j < Panels; ++j) {
          __builtin_prefetch(soon + j * kKvGroup * kKvGroup, 0, 2);
        }
        soon += kKvGroup;
      }
      multiply_add<S, Rows, kVectors>(
          sum, [&](int r) { return weights[r * kAttentionChunk + begin]; },
          [&](int v) { return S::load(row + v / kGroupVectors<S> * panel_stride + v % kGroupVectors<S> * S::kLanes); });
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      S::store(sums + r * sums_stride + v * S::kLanes, sum[r][v]);
    }
  }
}

/// Calls f(integral constant n) for a run-time n of 1 to Max.
template <int Max, class F>
void with_rows(int64_t n, F&& f) {
  if constexpr (Max > 0) {
    if (n == Max) {
      f.template operator()<Max>();
    } else {
      with_rows<Max - 1>(n, static_cast<F&&>(f));
    }
  }
}

/// Scores of `rows` rows against the groups [group_begin, group_end) of a chunk whose last is chunk_end - 1. `values`,
/// unless NULL: of each group, to be fetched meanwhile with the keys that follow.
template <class S, class E>
void score_rows(int64_t rows, const float* q, const E* const* groups, const E* const* values, int64_t group_begin,
                int64_t group_end, int64_t chunk_end, int64_t k_width, float* scores) {
  with_rows<S::kMaxRows>(rows, [&]<int Rows>() {
    constexpr int kGroups = groups_per_tile<S>(Rows);
    int64_t g = group_begin;
    const auto soon = [&] { return values == nullptr ? nullptr : values + g; };
    const auto next = [&](int64_t count) { return groups + (g + 2 * count <= chunk_end ? g + count : g); };
    for (; g + kGroups <= group_end; g += kGroups) {
      score_tile<S, E, Rows, kGroups>(q, groups + g, soon(), next(kGroups), k_width, scores + g * kKvGroup);
    }
    for (; g < group_end; ++g) {
      score_tile<S, E, Rows, 1>(q, groups + g, soon(), next(1), k_width, scores + g * kKvGroup);
    }
  });
}

/// Weighted values of `rows` rows for the panels [panel_begin, panel_end).
template <class S, class E>
void value_rows(int64_t rows, const float* weights, const E* const* groups, const E* const* prefetch, int64_t panel_stride,
                int64_t panel_begin, int64_t panel_end, int64_t begin, int64_t end, float* sums, int64_t sums_stride) {
  with_rows<S::kMaxRows>(rows, [&]<int Rows>() {
    constexpr int kPanels = groups_per_tile<S>(Rows);
    int64_t j = panel_begin;
    for (; j + kPanels <= panel_end; j += kPanels) {
      value_tile<S, E, Rows, kPanels>(weights, groups, prefetch, j, panel_stride, begin, end, sums + j * kKvGroup,
                                      sums_stride);
    }
    for (; j < panel_end; ++j) {
      value_tile<S, E, Rows, 1>(weights, groups, prefetch, j, panel_stride, begin, end, sums + j * kKvGroup, sums_stride);
    }
  });
}

}  // namespace msc::cpu
