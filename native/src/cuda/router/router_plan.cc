#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/router/router.h"
#include "cuda/router/router_layout.h"

namespace msc::cuda {
namespace {

void check_groups(const RouterParams& params) {
  if (params.num_groups <= 1) {
    return;
  }
  MSC_CHECK_ARGUMENT(params.num_experts % params.num_groups == 0, "router: num_groups is %lld, must divide the %lld experts",
                     static_cast<long long>(params.num_groups), static_cast<long long>(params.num_experts));
  const int64_t size = params.num_experts / params.num_groups;
  MSC_CHECK_ARGUMENT(params.group_rule != RouterGroupRule::kTop2Sum || size >= 2,
                     "router: num_groups is %lld: groups of one expert have no two scores to sum",
                     static_cast<long long>(params.num_groups));
  check_range(params.kept_groups, 1, params.num_groups, "router: kept_groups");
  MSC_CHECK_ARGUMENT(params.kept_groups * size >= params.top_k,
                     "router: top_k is %lld, but the %lld kept groups hold only %lld experts",
                     static_cast<long long>(params.top_k), static_cast<long long>(params.kept_groups),
                     static_cast<long long>(params.kept_groups * size));
}

}  // namespace

RouterLogitsPlan plan_router_logits(const RouterLogitsParams& params) {
  check_range(params.cols, 1, 1 << 20, "router logits: cols");
  check_range(params.num_experts, 1, kRouterMostExperts, "router logits: num_experts");
  MSC_CHECK_ARGUMENT(params.input != nullptr && params.weight != nullptr && params.logits != nullptr,
                     "router logits: input, weight or logits is NULL");
  RouterLogitsPlan plan = {};
  plan.packed = params.cols % 8 == 0 && is_packable(params.input, params.input_stride, bytes_of(params.input_type)) &&
                is_packable(params.weight, params.weight_stride, bytes_of(params.weight_type));
  plan.expert_blocks = static_cast<unsigned>(divide_up(params.num_experts, kRouterLogitsWarps));
  check_range(params.tokens, 1, kMaxGrid / plan.expert_blocks, "router logits: tokens");
  return plan;
}

RouterPlan plan_router(const RouterParams& params) {
  check_range(params.tokens, 1, kMaxGrid, "router: tokens");
  check_range(params.num_experts, 1, kRouterMostExperts, "router: num_experts");
  check_range(params.num_groups, 0, params.num_experts, "router: num_groups");
  check_range(params.top_k, 1, params.num_experts, "router: top_k");
  check_groups(params);
  MSC_CHECK_ARGUMENT(std::isfinite(params.norm_eps) && params.norm_eps >= 0.0f,
                     "router: norm_eps is %g, must be finite and not negative", static_cast<double>(params.norm_eps));
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "router: scale is %g, must be finite", static_cast<double>(params.scale));
  MSC_CHECK_ARGUMENT(params.logits != nullptr && params.ids != nullptr && params.weights != nullptr,
                     "router: logits, ids or weights is NULL");
  RouterPlan plan = {};
  plan.experts_of_lane = 2;
  while (plan.experts_of_lane * 32 < params.num_experts) {
    plan.experts_of_lane *= 2;
  }
  plan.warps = kRouterWarps;
  plan.shared_bytes = static_cast<size_t>(kRouterRows * kRouterWarps * params.num_experts) * sizeof(float);
  return plan;
}

}  // namespace msc::cuda
