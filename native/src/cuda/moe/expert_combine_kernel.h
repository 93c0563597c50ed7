#pragma once

#include "cuda/device/eight.h"
#include "cuda/moe/expert_combine.h"
#include "cuda/moe/expert_sort.h"

namespace msc::cuda {

/// A thread owns eight columns of a token.
template <class Y, class O, bool kPacked>
__global__ void __launch_bounds__(128) expert_combine_kernel(ExpertCombineParams params, unsigned blocks_of_row) {
  const int64_t token = blockIdx.x / blocks_of_row;
  const int64_t column = (static_cast<int64_t>(blockIdx.x % blocks_of_row) * blockDim.x + threadIdx.x) * 8;
  const int64_t left = params.cols - column;
  if (left <= 0) {
    return;
  }
  const Y* const rows = static_cast<const Y*>(params.rows) + column;
  O* const out = static_cast<O*>(params.out) + token * params.out_stride + column;
  float sum[8] = {};
  for (int64_t k = 0; k < params.top_k; ++k) {
    const int32_t row = params.row_of_choice[token * params.top_k + k];
    if (row == kNoRow) {
      continue;
    }
    const float weight = row == kBadChoice ? NAN : params.weights[token * params.weights_stride + k];
    float y[8] = {};
    if (row >= 0) {
      load_eight<kPacked>(rows + row * params.rows_stride, left, y);
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sum[i] = fmaf(weight, y[i], sum[i]);
    }
  }
  float more[8];
  if (params.shared_row >= 0) {
    load_eight<kPacked>(rows + (params.shared_row + token) * params.rows_stride, left, more);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sum[i] += more[i];
    }
  }
  if (params.accumulate) {
    load_eight<kPacked>(out, left, more);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sum[i] += more[i];
    }
  }
  store_eight<kPacked>(out, left, sum);
}

}  // namespace msc::cuda
