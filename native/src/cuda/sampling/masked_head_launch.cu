#include "cuda/sampling/masked_head_kernel.h"

namespace msc::cuda {
namespace {

template <WeightCode kCode>
void launch_as(const MaskedHeadParams& params, const MaskedHeadPlan& plan, Stream stream) {
  launch("masked_head_kernel", masked_head_kernel<kCode>, Extent{static_cast<unsigned>(params.rows) * plan.blocks_of_row},
         Extent{kSlices * 32}, static_cast<size_t>(kSlices * kHeadStageBytes<kCode>), stream, params, plan.blocks_of_row);
}

}  // namespace

void launch_masked_head(const MaskedHeadParams& params, const MaskedHeadPlan& plan, Stream stream) {
  switch (params.head.layout.format.code) {
    case WeightCode::kBf16:
      return launch_as<WeightCode::kBf16>(params, plan, stream);
    case WeightCode::kF8E4M3:
      return launch_as<WeightCode::kF8E4M3>(params, plan, stream);
    case WeightCode::kI8:
      return launch_as<WeightCode::kI8>(params, plan, stream);
    case WeightCode::kU4:
    case WeightCode::kI4:  // what its codes stand for is data
      return launch_as<WeightCode::kU4>(params, plan, stream);
  }
}

}  // namespace msc::cuda
