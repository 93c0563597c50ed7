#pragma once

#include "cuda/attention/softmax.h"

namespace msc::cuda {

/// One of the 16 rows' halves of a fragment goes to global memory as the split's part.
template <KvType kType, int kWidth>
__device__ __forceinline__ void store_part(const AttentionParams& params, const AttentionItem& item, const LaneRow (&rows)[2],
                                           int first_row, int split, int lane, const Part<kWidth>& part) {
  const int width = static_cast<int>(params.pages.v_width);
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    if (rows[r].token < 0) {
      continue;
    }
    const int64_t row = item.partial_row + int64_t{split} * item.num_rows + first_row + lane / 4 + r * 8;
    if (lane % 4 == 0) {
      params.work.partial_of[2 * row] = part.sums[r].maximum;
      params.work.partial_of[2 * row + 1] = part.sums[r].sum;
    }
    float* const to = params.work.partials + row * width;
#pragma unroll
    for (int n = 0; n < kWidth / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int column = value_column<kType>(n, i, lane);
        if (column < width) {
          to[column] = part.acc[n][2 * r + i];
        }
      }
    }
  }
}

/// The finished rows. `sums`: of all splits.
template <KvType kType, int kWidth>
__device__ __forceinline__ void store_rows(const AttentionParams& params, const LaneRow (&rows)[2], int lane,
                                           const SoftmaxSum (&sums)[2], const float (&acc)[kWidth / 8][4]) {
  const int width = static_cast<int>(params.pages.v_width);
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    if (rows[r].token < 0) {
      continue;
    }
    const float factor = final_factor(sums[r], params.sinks == nullptr ? nullptr : params.sinks + rows[r].head);
    const int64_t at = rows[r].token * params.out_stride + int64_t{rows[r].head} * width;
#pragma unroll
    for (int n = 0; n < kWidth / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int column = value_column<kType>(n, i, lane);
        if (column < width) {
          store_out(params, at + column, acc[n][2 * r + i] * factor);
        }
      }
    }
  }
}

}  // namespace msc::cuda
