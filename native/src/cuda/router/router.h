#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"

namespace msc::cuda {

enum class RouterScore : int32_t { kSoftmax, kSigmoid, kSoftmaxOfChosen };
enum class RouterGroupRule : int32_t { kTop2Sum, kMax };

/// logits[t, e] = sum_k weight[e, k] * input[t, k], products and sums in float32.
struct RouterLogitsParams {
  ElementType input_type;
  ElementType weight_type;
  int64_t tokens;
  int64_t num_experts;
  int64_t cols;
  const void* input;      // [tokens, cols]
  int64_t input_stride;   // elements from one row to the next
  const void* weight;     // [num_experts, cols]
  int64_t weight_stride;
  float* logits;          // [tokens, num_experts]
  int64_t logits_stride;
};

struct RouterLogitsPlan {
  bool packed;  // 16 bytes at a time; changes no bit
  unsigned expert_blocks;
};

/// Experts from logits, as msc_op_router chooses them without capacities (moesaic/moe.h): the same scores, groups, ties and
/// normalisation. Up to 512 experts.
struct RouterParams {
  RouterScore score;
  RouterGroupRule group_rule;
  int64_t tokens;
  int64_t num_experts;
  int64_t num_groups;           // 0 or 1: none
  int64_t kept_groups;
  int64_t top_k;
  bool normalise;
  float norm_eps;
  float scale;
  const float* logits;          // [tokens, num_experts]
  int64_t logits_stride;
  const float* bias;            // [num_experts], part of the logits, or NULL
  const float* selection_bias;  // [num_experts], of the choice alone, or NULL
  const int32_t* forced_ids;    // [tokens, top_k] or NULL: choices to weigh; -1: none. Other ids outside weigh NaN
  int64_t forced_stride;
  int32_t* ids;                 // [tokens, top_k]
  int64_t ids_stride;
  float* weights;               // [tokens, top_k]
  int64_t weights_stride;
};

struct RouterPlan {
  int experts_of_lane;    // 2, 4, 8 or 16: a warp owns a token
  unsigned warps;         // of a block
  size_t shared_bytes;
};

/// Both throw Error (bad argument) naming the field that is wrong.
RouterLogitsPlan plan_router_logits(const RouterLogitsParams& params);
RouterPlan plan_router(const RouterParams& params);
void launch_router_logits(const RouterLogitsParams& params, const RouterLogitsPlan& plan, Stream stream);
void launch_router(const RouterParams& params, const RouterPlan& plan, Stream stream);

}  // namespace msc::cuda
