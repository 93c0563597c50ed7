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

/// scores[r][16 g + i] = sum over channels of q[r] * key of position i of group g.
/// q is packed [k_width][Rows]; scores rows lie kAttentionChunk apart.
template <class S, class E, int Rows, int Groups>
void score_tile(const float* __restrict q, const E* const* groups, int64_t k_width, float* __restrict scores) {
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
    Vec key[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      key[v] = S::load(keys[v / kGroupVectors<S>] + d * kKvGroup + v % kGroupVectors<S> * S::kLanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Vec query = S::set1(q[d * Rows + r]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = S::fma(query, key[v], sum[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      S::store(scores + r * kAttentionChunk + v * S::kLanes, sum[r][v]);
    }
  }
}

/// sums[r][16 j + c] += sum over positions [begin, end) of the chunk of weights[r][position] * value column c of panel j.
template <class S, class E, int Rows, int Panels>
void value_tile(const float* __restrict weights, const E* const* groups, int64_t panel_stride, int64_t begin, int64_t end,
                float* __restrict sums, int64_t sums_stride) {
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
    const E* row = groups[begin / kKvGroup] + begin % kKvGroup * kKvGroup;
    for (; begin < stop; ++begin, row += kKvGroup) {
      Vec value[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        value[v] = S::load(row + v / kGroupVectors<S> * panel_stride + v % kGroupVectors<S> * S::kLanes);
      }
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const Vec weight = S::set1(weights[r * kAttentionChunk + begin]);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = S::fma(weight, value[v], sum[r][v]);
        }
      }
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

/// Scores of `rows` rows against the groups [group_begin, group_end) of a chunk.
template <class S, class E>
void score_rows(int64_t rows, const float* q, const E* const* groups, int64_t group_begin, int64_t group_end,
                int64_t k_width, float* scores) {
  with_rows<S::kMaxRows>(rows, [&]<int Rows>() {
    constexpr int kGroups = groups_per_tile<S>(Rows);
    int64_t g = group_begin;
    for (; g + kGroups <= group_end; g += kGroups) {
      score_tile<S, E, Rows, kGroups>(q, groups + g, k_width, scores + g * kKvGroup);
    }
    for (; g < group_end; ++g) {
      score_tile<S, E, Rows, 1>(q, groups + g, k_width, scores + g * kKvGroup);
    }
  });
}

/// Weighted values of `rows` rows for the panels [panel_begin, panel_end).
template <class S, class E>
void value_rows(int64_t rows, const float* weights, const E* const* groups, int64_t panel_stride, int64_t panel_begin,
                int64_t panel_end, int64_t begin, int64_t end, float* sums, int64_t sums_stride) {
  with_rows<S::kMaxRows>(rows, [&]<int Rows>() {
    constexpr int kPanels = groups_per_tile<S>(Rows);
    const E* shifted[kChunkGroups];
    int64_t j = panel_begin;
    while (j < panel_end) {
      for (int64_t g = begin / kKvGroup; g * kKvGroup < end; ++g) {
        shifted[g] = groups[g] + j * panel_stride;
      }
      if (j + kPanels <= panel_end) {
        value_tile<S, E, Rows, kPanels>(weights, shifted, panel_stride, begin, end, sums + j * kKvGroup, sums_stride);
        j += kPanels;
      } else {
        value_tile<S, E, Rows, 1>(weights, shifted, panel_stride, begin, end, sums + j * kKvGroup, sums_stride);
        ++j;
      }
    }
  });
}

}  // namespace msc::cpu
