#pragma once

#include <cmath>

#include "cuda/attention/attention.h"
#include "cuda/attention/tile.h"
#include "cuda/device/element.h"

namespace msc::cuda {

// Softmax in base 2: scores are multiplied by log2(e) once, with the scale.
inline constexpr float kLog2e = 1.4426950408889634f;
inline constexpr float kNothing = -INFINITY;

/// Largest exponent of the positions seen so far, and sum of 2^(exponent - largest); nothing seen: (-infinity, 0).
struct SoftmaxSum {
  float maximum = kNothing;
  float sum = 0.0f;
};

/// What exponents are taken relative to: nothing seen must not give infinity - infinity.
__device__ __forceinline__ float shift_of(float maximum) { return maximum == kNothing ? 0.0f : maximum; }

/// What a row's parts are multiplied by when the next joins those before it. A part that saw nothing changes no bit.
struct FoldFactors {
  float before;
  float next;
};
__device__ __forceinline__ FoldFactors fold(SoftmaxSum& state, SoftmaxSum part) {
  const float maximum = fmaxf(state.maximum, part.maximum);
  const float shift = shift_of(maximum);
  const FoldFactors factors = {exp2_fast(state.maximum - shift), exp2_fast(part.maximum - shift)};
  state = {maximum, fmaf(part.sum, factors.next, state.sum * factors.before)};
  return factors;
}
__device__ __forceinline__ float fold(FoldFactors factors, float before, float next) {
  return fmaf(next, factors.next, before * factors.before);
}

/// 1 / denominator, which a sink's logit joins with no value of its own; 0 for a row that saw nothing.
__device__ __forceinline__ float final_factor(SoftmaxSum state, const float* sink) {
  if (sink == nullptr) {
    return state.sum == 0.0f ? 0.0f : 1.0f / state.sum;
  }
  const float exponent = *sink * kLog2e;
  const float shift = shift_of(fmaxf(state.maximum, exponent));
  const float factor = exp2_fast(state.maximum - shift);
  return factor / fmaf(state.sum, factor, exp2_fast(exponent - shift));
}

/// An element of the result. Adding 0 makes -0 0, the one bit that a part which saw nothing could change.
__device__ __forceinline__ void store_out(const AttentionParams& params, int64_t at, float x) {
  if (params.type == ElementType::kF32) {
    store(static_cast<float*>(params.out) + at, x + 0.0f);
  } else {
    store(static_cast<Bf16*>(params.out) + at, x + 0.0f);
  }
}

/// One of the two rows of a fragment that a lane has elements of: row lane / 4, or that plus 8.
struct LaneRow {
  int begin = 0;  // [begin, end): positions it sees
  int end = 0;
  int position = 0;
  int head = 0;  // of all query heads
  int token = -1;  // row of q; -1: there is no such row
};

__device__ __forceinline__ LaneRow lane_row(const AttentionParams& params, const AttentionItem& item, int row) {
  LaneRow result;
  if (row >= item.num_rows) {
    return result;
  }
  const int in_tokens = row / item.heads;
  result.token = item.first_token + in_tokens;
  result.head = item.first_head + row - in_tokens * item.heads;
  result.position = item.first_position + in_tokens;
  result.end = item.num_keys > 0 ? item.num_keys : result.position + 1;
  if (params.window > 0) {
    const int64_t begin = result.position + 1 - params.window;
    result.begin = begin > 0 ? static_cast<int>(begin) : 0;
  }
  return result;
}

/// A split's part of 16 rows while it is computed. Sums are a lane's own until `sum_up`.
template <int kWidth>
struct Part {
  float acc[kWidth / 8][4];
  SoftmaxSum sums[2];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int n = 0; n < kWidth / 8; ++n) {
      acc[n][0] = acc[n][1] = acc[n][2] = acc[n][3] = 0.0f;
    }
    sums[0] = sums[1] = SoftmaxSum();
  }
  __device__ __forceinline__ void sum_up() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      sums[r].sum += __shfl_xor_sync(kAllLanes, sums[r].sum, 1);
      sums[r].sum += __shfl_xor_sync(kAllLanes, sums[r].sum, 2);
    }
  }
};

/// Products into exponents: scaled, capped, biased; -infinity where a row does not see the position.
/// @param key_scales of the tile's keys in shared memory, 8-bit types alone
template <KvType kType>
__device__ __forceinline__ void to_exponents(const AttentionParams& params, const AttentionItem& item,
                                             const LaneRow (&rows)[2], int first_key, const float* key_scales, int lane,
                                             float (&s)[kTileKeys / 8][4]) {
  const float factor = params.softcap > 0.0f ? params.scale / params.softcap : params.scale * kLog2e;
#pragma unroll
  for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = n * 8 + lane % 4 * 2 + i % 2;
      float x = s[n][i] * factor;
      if constexpr (kType != KvType::kBf16) {
        x *= key_scales[at];
      }
      if (params.softcap > 0.0f) {
        x = tanhf(x) * (params.softcap * kLog2e);
      }
      s[n][i] = x;
    }
  }
  if (params.bias != nullptr) {
    const int reach = static_cast<int>(params.bias_reach);
#pragma unroll
    for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const LaneRow& row = rows[i / 2];
        const int distance = first_key + n * 8 + lane % 4 * 2 + i % 2 - row.position;
        const int clamped = distance < -reach ? -reach : distance > reach ? reach : distance;
        s[n][i] = fmaf(params.bias[row.head * params.bias_stride + clamped + reach], kLog2e, s[n][i]);
      }
    }
  }
  const int end = first_key + kTileKeys;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    if (first_key < rows[r].begin || end > rows[r].end) {
#pragma unroll
      for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int key = first_key + n * 8 + lane % 4 * 2 + i;
          if (key < rows[r].begin || key >= rows[r].end) {
            s[n][2 * r + i] = kNothing;
          }
        }
      }
    }
  }
  if (params.tree != nullptr && end > item.tree_base) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const uint64_t seen = rows[r].token < 0 ? 0 : params.tree[rows[r].token];
#pragma unroll
      for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int in_tree = first_key + n * 8 + lane % 4 * 2 + i - item.tree_base;
          if (in_tree >= 0 && (in_tree >= 64 || (seen >> in_tree & 1) == 0)) {
            s[n][2 * r + i] = kNothing;
          }
        }
      }
    }
  }
}

/// Exponents into weights 2^(exponent - largest so far); what was summed before is scaled to the new largest one
/// (Milakov and Gimelshein, arXiv:1805.02867). A tile that a row does not see changes none of the row's bits.
/// @param value_scales of the tile's values in shared memory, 8-bit types alone: weights are multiplied after the sum
template <KvType kType, int kWidth>
__device__ __forceinline__ void to_weights(const float* value_scales, int lane, float (&s)[kTileKeys / 8][4],
                                           Part<kWidth>& part) {
  float before[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float maximum = part.sums[r].maximum;
#pragma unroll
    for (int n = 0; n < kTileKeys / 8; ++n) {
      maximum = fmaxf(maximum, fmaxf(s[n][2 * r], s[n][2 * r + 1]));
    }
    maximum = fmaxf(maximum, __shfl_xor_sync(kAllLanes, maximum, 1));
    maximum = fmaxf(maximum, __shfl_xor_sync(kAllLanes, maximum, 2));
    const float shift = shift_of(maximum);
    before[r] = exp2_fast(part.sums[r].maximum - shift);
    float sum = 0.0f;
#pragma unroll
    for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const float weight = exp2_fast(s[n][2 * r + i] - shift);
        sum += weight;
        s[n][2 * r + i] = weight;
      }
    }
    part.sums[r] = {maximum, fmaf(part.sums[r].sum, before[r], sum)};
  }
  if constexpr (kType != KvType::kBf16) {
#pragma unroll
    for (int n = 0; n < kTileKeys / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        s[n][i] *= value_scales[n * 8 + lane % 4 * 2 + i % 2];
      }
    }
  }
  // Later tiles seldom hold a larger exponent.
  if (__any_sync(kAllLanes, before[0] != 1.0f || before[1] != 1.0f)) {
#pragma unroll
    for (int n = 0; n < kWidth / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        part.acc[n][i] *= before[i / 2];
      }
    }
  }
}

}  // namespace msc::cuda
