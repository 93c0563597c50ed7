#include "cuda/linear/linear_launch.h"
#include "cuda/linear/tile_kernel.h"

namespace msc::cuda {
namespace {

template <WeightCode kCode>
void launch_as(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  launch("linear_tile_kernel", linear_tile_kernel<kCode>, Extent{plan.blocks}, Extent{plan.threads}, plan.shared_bytes, stream,
         params, plan);
}

}  // namespace

void launch_linear_tile(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  switch (params.targets[0].layout.format.code) {
    case WeightCode::kBf16:
      return launch_as<WeightCode::kBf16>(params, plan, stream);
    case WeightCode::kF8E4M3:
      return launch_as<WeightCode::kF8E4M3>(params, plan, stream);
    case WeightCode::kI8:
      return launch_as<WeightCode::kI8>(params, plan, stream);
    default:
      return launch_as<WeightCode::kU4>(params, plan, stream);
  }
}

}  // namespace msc::cuda
