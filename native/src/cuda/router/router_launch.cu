#include "cuda/router/router_kernel.h"
#include "cuda/router/router_logits_kernel.h"

namespace msc::cuda {
namespace {

template <class X, class W>
void launch_logits(const RouterLogitsParams& params, const RouterLogitsPlan& plan, Stream stream) {
  const auto tokens = static_cast<unsigned>((params.tokens + kRouterLogitsTokens - 1) / kRouterLogitsTokens);
  const Extent grid{tokens * plan.expert_blocks};
  const Extent block{kRouterLogitsWarps * 32};
  launch("router_logits_kernel", plan.packed ? router_logits_kernel<X, W, true> : router_logits_kernel<X, W, false>, grid,
         block, 0, stream, params, plan.expert_blocks);
}

template <int kOfLane>
void launch_as(const RouterParams& params, const RouterPlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>((params.tokens + kRouterWarps - 1) / kRouterWarps)};
  launch("router_kernel", router_kernel<kOfLane>, grid, Extent{plan.warps * 32}, plan.shared_bytes, stream, params);
}

}  // namespace

void launch_router_logits(const RouterLogitsParams& params, const RouterLogitsPlan& plan, Stream stream) {
  if (params.input_type == ElementType::kF32) {
    params.weight_type == ElementType::kF32 ? launch_logits<float, float>(params, plan, stream)
                                            : launch_logits<float, Bf16>(params, plan, stream);
  } else {
    params.weight_type == ElementType::kF32 ? launch_logits<Bf16, float>(params, plan, stream)
                                            : launch_logits<Bf16, Bf16>(params, plan, stream);
  }
}

void launch_router(const RouterParams& params, const RouterPlan& plan, Stream stream) {
  switch (plan.experts_of_lane) {
    case 2:
      return launch_as<2>(params, plan, stream);
    case 4:
      return launch_as<4>(params, plan, stream);
    case 8:
      return launch_as<8>(params, plan, stream);
    default:
      return launch_as<16>(params, plan, stream);
  }
}

}  // namespace msc::cuda
