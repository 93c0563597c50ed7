#pragma once

#include "cuda/attention/softmax.h"

namespace msc::cuda {

/// Folds the parts of an item's rows from the first split to the last, a warp a row.
template <int kColumns>
__device__ __forceinline__ void combine_row(const AttentionParams& params, const AttentionItem& item, int row, int lane) {
  const int width = static_cast<int>(params.pages.v_width);
  const int num_splits = (item.key_end - 1) / kAttentionSplit - item.key_begin / kAttentionSplit + 1;
  SoftmaxSum sums;
  float folded[kColumns] = {};
  for (int split = 0; split < num_splits; ++split) {
    const int64_t at = item.partial_row + int64_t{split} * item.num_rows + row;
    const FoldFactors factors = fold(sums, {params.work.partial_of[2 * at], params.work.partial_of[2 * at + 1]});
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = lane + c * kWarp;
      if (column < width) {
        folded[c] = fold(factors, folded[c], params.work.partials[at * width + column]);
      }
    }
  }
  const int in_tokens = row / item.heads;
  const int head = item.first_head + row - in_tokens * item.heads;
  const float factor = final_factor(sums, params.sinks == nullptr ? nullptr : params.sinks + head);
  const int64_t at = (item.first_token + in_tokens) * params.out_stride + int64_t{head} * width;
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int column = lane + c * kWarp;
    if (column < width) {
      store_out(params, at + column, folded[c] * factor);
    }
  }
}

template <int kColumns>
__global__ void __launch_bounds__(kCombineWarps * kWarp) attention_combine_kernel(AttentionParams params) {
  const int end = params.work.combine_begin[blockIdx.x + 1];
  for (int i = params.work.combine_begin[blockIdx.x]; i < end; ++i) {
    const AttentionItem& item = params.work.combine_items[i];
    for (int row = static_cast<int>(threadIdx.x) / kWarp; row < item.num_rows; row += kCombineWarps) {
      combine_row<kColumns>(params, item, row, static_cast<int>(threadIdx.x) % kWarp);
    }
  }
}

}  // namespace msc::cuda
