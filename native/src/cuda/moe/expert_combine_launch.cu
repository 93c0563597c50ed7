#include "cuda/moe/expert_combine_kernel.h"

namespace msc::cuda {
namespace {

template <class Y, class O>
void launch_as(const ExpertCombineParams& params, const ExpertCombinePlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>(params.tokens) * plan.blocks_of_row};
  launch("expert_combine_kernel", plan.packed ? expert_combine_kernel<Y, O, true> : expert_combine_kernel<Y, O, false>, grid,
         Extent{plan.threads}, 0, stream, params, plan.blocks_of_row);
}

}  // namespace

void launch_expert_combine(const ExpertCombineParams& params, const ExpertCombinePlan& plan, Stream stream) {
  if (params.rows_type == ElementType::kF32) {
    params.out_type == ElementType::kF32 ? launch_as<float, float>(params, plan, stream)
                                         : launch_as<float, Bf16>(params, plan, stream);
  } else {
    params.out_type == ElementType::kF32 ? launch_as<Bf16, float>(params, plan, stream)
                                         : launch_as<Bf16, Bf16>(params, plan, stream);
  }
}

}  // namespace msc::cuda
