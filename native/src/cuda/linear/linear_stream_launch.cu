#include "cuda/linear/linear_launch.h"
#include "cuda/linear/stream_kernel.h"

namespace msc::cuda {
namespace {

template <WeightCode kCode, int kNTiles>
void launch_as(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  launch("linear_stream_kernel", linear_stream_kernel<kCode, kNTiles>, Extent{plan.blocks}, Extent{plan.threads},
         plan.shared_bytes, stream, params, plan);
}

template <WeightCode kCode>
void launch_rows(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  switch (plan.kernel) {
    case LinearKernel::kStream8:
      return launch_as<kCode, 1>(params, plan, stream);
    case LinearKernel::kStream16:
      return launch_as<kCode, 2>(params, plan, stream);
    default:
      return launch_as<kCode, 4>(params, plan, stream);
  }
}

}  // namespace

void launch_linear_stream(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  switch (params.targets[0].layout.format.code) {
    case WeightCode::kBf16:
      return launch_rows<WeightCode::kBf16>(params, plan, stream);
    case WeightCode::kF8E4M3:
      return launch_rows<WeightCode::kF8E4M3>(params, plan, stream);
    case WeightCode::kI8:
      return launch_rows<WeightCode::kI8>(params, plan, stream);
    default:
      return launch_rows<WeightCode::kU4>(params, plan, stream);
  }
}

}  // namespace msc::cuda
