#include "cuda/norm/norm_kernel.h"

namespace msc::cuda {
namespace {

template <class E, bool kPacked>
void launch_as(const NormParams& params, const NormPlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>(params.rows)};
  const Extent block{plan.threads};
  if (params.subtract_mean) {
    launch("layer_norm_kernel", norm_kernel<E, kPacked, true>, grid, block, plan.shared_bytes, stream, params);
  } else {
    launch("rms_norm_kernel", norm_kernel<E, kPacked, false>, grid, block, plan.shared_bytes, stream, params);
  }
}

}  // namespace

void launch_norm(const NormParams& params, const NormPlan& plan, Stream stream) {
  if (params.type == ElementType::kF32) {
    plan.packed ? launch_as<float, true>(params, plan, stream) : launch_as<float, false>(params, plan, stream);
  } else {
    plan.packed ? launch_as<Bf16, true>(params, plan, stream) : launch_as<Bf16, false>(params, plan, stream);
  }
}

}  // namespace msc::cuda
