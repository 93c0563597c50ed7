#pragma once

#include "cuda/device/eight.h"
#include "cuda/device/reduce.h"
#include "cuda/router/router.h"
#include "cuda/router/router_layout.h"

namespace msc::cuda {

/// A warp owns an expert and a few tokens. A lane sums its eights of columns ascending, then the lanes are added up: the order
/// depends on the columns alone.
template <class X, class W, bool kPacked>
__global__ void __launch_bounds__(kRouterLogitsWarps * 32) router_logits_kernel(RouterLogitsParams params,
                                                                                 unsigned expert_blocks) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t expert = static_cast<int64_t>(blockIdx.x % expert_blocks) * kRouterLogitsWarps + threadIdx.x / kWarp;
  const int64_t first = static_cast<int64_t>(blockIdx.x / expert_blocks) * kRouterLogitsTokens;
  if (expert >= params.num_experts) {
    return;  // the whole warp
  }
  const W* const weight = static_cast<const W*>(params.weight) + expert * params.weight_stride;
  const X* const input = static_cast<const X*>(params.input) + first * params.input_stride;
  const int64_t left = params.tokens - first;
  const int count = left < kRouterLogitsTokens ? static_cast<int>(left) : kRouterLogitsTokens;
  float sum[kRouterLogitsTokens] = {};
  for (int64_t k = lane * 8; k < params.cols; k += kWarp * 8) {
    float w[8];
    load_eight<kPacked>(weight + k, params.cols - k, w);
#pragma unroll
    for (int t = 0; t < kRouterLogitsTokens; ++t) {
      if (t < count) {
        float x[8];
        load_eight<kPacked>(input + t * params.input_stride + k, params.cols - k, x);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          sum[t] = fmaf(w[i], x[i], sum[t]);
        }
      }
    }
  }
#pragma unroll
  for (int t = 0; t < kRouterLogitsTokens; ++t) {
    const float logit = warp_sum(sum[t]);
    if (lane == 0 && t < count) {
      params.logits[(first + t) * params.logits_stride + expert] = logit;
    }
  }
}

}  // namespace msc::cuda
