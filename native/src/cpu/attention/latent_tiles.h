#pragma once

#include <cstdint>

#include "cpu/attention/tiles.h"

/// Micro-tiles of attention over latents: lanes are query heads, all of which read the same position, so that an element
/// of the cache is broadcast and nothing is transposed or summed across lanes. Every result is one chain of
/// multiply-adds in a fixed order, whatever the tile's shape.
namespace msc::cpu {

/// Query heads of a tile.
inline constexpr int64_t kLatentHeads = 16;

/// scores[i][head] (+)= sum over `depth` channels of q[channel][head] * rows[i][channel] for N positions.
template <class S, int N>
void latent_score_tile(const float* __restrict q, const float* __restrict rows, int64_t stride, int64_t depth, bool add,
                       float* __restrict scores) {
  using Vec = typename S::Vec;
  constexpr int kVectors = kLatentHeads / S::kLanes;
  Vec sum[N][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[i][v] = add ? S::load(scores + i * kLatentHeads + v * S::kLanes) : S::zero();
    }
  }
  for (int64_t d = 0; d < depth; ++d) {
    Vec x[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      x[v] = S::load(q + d * kLatentHeads + v * S::kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      const Vec factor = S::set1(rows[i * stride + d]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[i][v] = S::fma(factor, x[v], sum[i][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      S::store(scores + i * kLatentHeads + v * S::kLanes, sum[i][v]);
    }
  }
}

/// sums[i][head] = sums[i][head] * factor[head] + sum over `count` positions of weights[position][head] *
/// rows[position][i], for N channels. factor NULL: sums are taken as zero.
template <class S, int N>
void latent_value_tile(const float* __restrict weights, const float* __restrict rows, int64_t stride, int64_t count,
                       const float* __restrict factor, float* __restrict sums) {
  using Vec = typename S::Vec;
  constexpr int kVectors = kLatentHeads / S::kLanes;
  Vec sum[N][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[i][v] = factor == nullptr ? S::zero()
                                    : S::mul(S::load(sums + i * kLatentHeads + v * S::kLanes), S::load(factor + v * S::kLanes));
    }
  }
  for (int64_t p = 0; p < count; ++p, rows += stride) {
    Vec x[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      x[v] = S::load(weights + p * kLatentHeads + v * S::kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      const Vec element = S::set1(rows[i]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[i][v] = S::fma(element, x[v], sum[i][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      S::store(sums + i * kLatentHeads + v * S::kLanes, sum[i][v]);
    }
  }
}

/// Scores of `count` positions; rows lie `stride` apart.
template <class S>
void latent_scores(const float* q, const float* rows, int64_t stride, int64_t k_width, int64_t count, float* scores) {
  // Queries of this many channels stay in the first-level cache while all positions pass.
  constexpr int64_t kDepth = 192;
  for (int64_t d = 0; d < k_width; d += kDepth) {
    const int64_t depth = d + kDepth < k_width ? kDepth : k_width - d;
    int64_t p = 0;
    for (; p + S::kMaxRows <= count; p += S::kMaxRows) {
      latent_score_tile<S, S::kMaxRows>(q + d * kLatentHeads, rows + p * stride + d, stride, depth, d > 0,
                                        scores + p * kLatentHeads);
    }
    if (p < count) {
      with_rows<S::kMaxRows>(count - p, [&]<int N>() {
        latent_score_tile<S, N>(q + d * kLatentHeads, rows + p * stride + d, stride, depth, d > 0, scores + p * kLatentHeads);
      });
    }
  }
}

/// Adds `count` positions to the weighted values of the first `width` channels.
template <class S>
void latent_values(const float* weights, const float* rows, int64_t stride, int64_t width, int64_t count,
                   const float* factor, float* sums) {
  int64_t c = 0;
  for (; c + S::kMaxRows <= width; c += S::kMaxRows) {
    latent_value_tile<S, S::kMaxRows>(weights, rows + c, stride, count, factor, sums + c * kLatentHeads);
  }
  if (c < width) {
    with_rows<S::kMaxRows>(width - c, [&]<int N>() {
      latent_value_tile<S, N>(weights, rows + c, stride, count, factor, sums + c * kLatentHeads);
    });
  }
}

}  // namespace msc::cpu
