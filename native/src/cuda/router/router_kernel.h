#pragma once

#include "cuda/device/reduce.h"
#include "cuda/router/router.h"
#include "cuda/router/router_layout.h"

namespace msc::cuda {

/// The greater value; on a tie the lower index.
struct RouterBest {
  float value;
  int index;
};

__device__ __forceinline__ bool is_better(float value, int index, const RouterBest& than) {
  return value > than.value || (value == than.value && index < than.index);
}

__device__ __forceinline__ RouterBest warp_best(RouterBest best) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const float value = __shfl_xor_sync(kAllLanes, best.value, step);
    const int index = __shfl_xor_sync(kAllLanes, best.index, step);
    if (is_better(value, index, best)) {
      best = {value, index};
    }
  }
  return best;
}

/// p = score(z) of a warp's row; lane l holds experts l, l + 32, ...; z is -infinity behind the last one.
template <int kOfLane>
__device__ __forceinline__ void score_row(RouterScore score, float (&z)[kOfLane]) {
  if (score == RouterScore::kSigmoid) {
#pragma unroll
    for (int i = 0; i < kOfLane; ++i) {
      z[i] = 1.0f / (1.0f + expf(-z[i]));
    }
  } else if (score == RouterScore::kSoftmax) {
    float top = z[0];
#pragma unroll
    for (int i = 1; i < kOfLane; ++i) {
      top = fmaxf(top, z[i]);
    }
    top = warp_max(top);
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kOfLane; ++i) {
      z[i] = expf(z[i] - top);
      sum += z[i];
    }
    sum = warp_sum(sum);
#pragma unroll
    for (int i = 0; i < kOfLane; ++i) {
      z[i] /= sum;
    }
  }
}

/// Score of a group: its largest selection score, or the sum of its two largest. Each lane begins elsewhere in its group, so
/// that lanes read different banks. A sum of both infinities counts as the lower one.
__device__ __forceinline__ float group_score(RouterGroupRule rule, const float* selection, int group, int size) {
  float first = -INFINITY;
  float second = -INFINITY;
  for (int i = 0; i < size; ++i) {
    const float s = selection[group * size + (i + group) % size];
    if (s > first) {
      second = first;
      first = s;
    } else if (s > second) {
      second = s;
    }
  }
  const float sum = first + second;
  return rule == RouterGroupRule::kMax ? first : sum == sum ? sum : -INFINITY;
}

/// kept[g] = 1 for the best groups, ties to the lower one. Ends with all lanes seeing them.
__device__ __forceinline__ void keep_groups(const RouterParams& params, const float* selection, float* scores, int* kept) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int groups = static_cast<int>(params.num_groups);
  const int size = static_cast<int>(params.num_experts) / groups;
  for (int g = lane; g < groups; g += kWarp) {
    scores[g] = group_score(params.group_rule, selection, g, size);
  }
  __syncwarp();
  for (int g = lane; g < groups; g += kWarp) {
    int ahead = 0;
    const RouterBest own = {scores[g], g};
    for (int other = 0; other < groups; ++other) {
      ahead += is_better(scores[other], other, own) ? 1 : 0;
    }
    kept[g] = ahead < params.kept_groups ? 1 : 0;
  }
  __syncwarp();
}

/// The top_k best eligible experts, best first, to ids (shared).
template <int kOfLane>
__device__ __forceinline__ void choose_experts(const RouterParams& params, const float* p, float* selection, float* scores,
                                               int* kept) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int experts = static_cast<int>(params.num_experts);
  float mine[kOfLane];
#pragma unroll
  for (int i = 0; i < kOfLane; ++i) {
    const int e = lane + i * kWarp;
    mine[i] = -INFINITY;
    if (e < experts) {
      const float s = params.selection_bias == nullptr ? p[e] : p[e] + params.selection_bias[e];
      mine[i] = s == s ? s : -INFINITY;  // NaN is chosen last
      selection[e] = mine[i];
    }
  }
  __syncwarp();
  const bool grouped = params.num_groups > 1;
  const int size = grouped ? experts / static_cast<int>(params.num_groups) : experts;
  if (grouped) {
    keep_groups(params, selection, scores, kept);
  }
  uint32_t eligible = 0;
#pragma unroll
  for (int i = 0; i < kOfLane; ++i) {
    const int e = lane + i * kWarp;
    if (e < experts && (!grouped || kept[e / size] != 0)) {
      eligible |= 1u << i;
    }
  }
  __syncwarp();  // the flags of groups become ids
  for (int k = 0; k < params.top_k; ++k) {
    // Behind every expert, so that one of -infinity is still better.
    RouterBest best = {-INFINITY, kRouterMostExperts};
#pragma unroll
    for (int i = 0; i < kOfLane; ++i) {
      if ((eligible >> i & 1u) != 0 && is_better(mine[i], lane + i * kWarp, best)) {
        best = {mine[i], lane + i * kWarp};
      }
    }
    best = warp_best(best);
    if (best.index % kWarp == lane) {
      eligible &= ~(1u << (best.index / kWarp));
    }
    if (lane == 0) {
      kept[k] = best.index;
    }
  }
  __syncwarp();
}

/// weights of a row's ids (shared): see msc_router_params. `chosen`: shared, top_k floats.
__device__ __forceinline__ void weigh_choices(const RouterParams& params, const float* p, const int* ids, float* chosen,
                                              float* weights) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const auto top_k = static_cast<int>(params.top_k);
  const auto is_expert = [&](int id) { return id >= 0 && id < params.num_experts; };
  for (int k = lane; k < top_k; k += kWarp) {
    chosen[k] = is_expert(ids[k]) ? p[ids[k]] : 0.0f;
  }
  __syncwarp();
  if (params.score == RouterScore::kSoftmaxOfChosen) {
    float top = -INFINITY;
    for (int k = 0; k < top_k; ++k) {
      top = is_expert(ids[k]) ? fmaxf(top, chosen[k]) : top;
    }
    __syncwarp();
    for (int k = lane; k < top_k; k += kWarp) {
      chosen[k] = is_expert(ids[k]) ? expf(chosen[k] - top) : 0.0f;
    }
    __syncwarp();
    float sum = 0.0f;
    for (int k = 0; k < top_k; ++k) {
      sum += chosen[k];
    }
    __syncwarp();
    for (int k = lane; k < top_k; k += kWarp) {
      chosen[k] = is_expert(ids[k]) ? chosen[k] / sum : 0.0f;
    }
    __syncwarp();
  }
  float sum = 0.0f;
  for (int k = 0; k < top_k; ++k) {
    sum += chosen[k];
  }
  for (int k = lane; k < top_k; k += kWarp) {
    float weight = 0.0f;
    if (is_expert(ids[k])) {
      weight = (params.normalise ? chosen[k] / (sum + params.norm_eps) : chosen[k]) * params.scale;
    } else if (ids[k] != -1) {
      weight = NAN;  // no expert has this id, and nobody else can tell
    }
    weights[k] = weight;
  }
}

template <int kOfLane>
__global__ void __launch_bounds__(kRouterWarps * 32) router_kernel(RouterParams params) {
  MSC_SHARED_DYNAMIC(float, rows);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t token = static_cast<int64_t>(blockIdx.x) * kRouterWarps + warp;
  if (token >= params.tokens) {
    return;  // the whole warp
  }
  const auto experts = static_cast<int>(params.num_experts);
  float* const p = rows + warp * kRouterRows * experts;
  float* const selection = p + experts;
  float* const scores = selection + experts;
  int* const ids = reinterpret_cast<int*>(scores + experts);
  const float* const logits = params.logits + token * params.logits_stride;

  float z[kOfLane];
#pragma unroll
  for (int i = 0; i < kOfLane; ++i) {
    const int e = lane + i * kWarp;
    z[i] = e < experts ? (params.bias == nullptr ? logits[e] : logits[e] + params.bias[e]) : -INFINITY;
  }
  score_row(params.score, z);
#pragma unroll
  for (int i = 0; i < kOfLane; ++i) {
    if (lane + i * kWarp < experts) {
      p[lane + i * kWarp] = z[i];
    }
  }
  __syncwarp();
  if (params.forced_ids == nullptr) {
    choose_experts<kOfLane>(params, p, selection, scores, ids);
  } else {
    for (int k = lane; k < params.top_k; k += kWarp) {
      ids[k] = params.forced_ids[token * params.forced_stride + k];
    }
    __syncwarp();
  }
  weigh_choices(params, p, ids, scores, params.weights + token * params.weights_stride);
  for (int k = lane; k < params.top_k; k += kWarp) {
    params.ids[token * params.ids_stride + k] = ids[k];
  }
}

}  // namespace msc::cuda
