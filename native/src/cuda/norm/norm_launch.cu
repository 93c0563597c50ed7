#include "cuda/norm/norm_kernel.h"

namespace msc::cuda {
namespace {

template <class E, bool kPacked, bool kQuantized>
void launch_as(const NormParams& params, const NormPlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>(params.rows)};
  const Extent block{plan.threads};
  if (params.subtract_mean) {
    launch("layer_norm_kernel", norm_kernel<E, kPacked, true, kQuantized>, grid, block, plan.shared_bytes, stream, params);
  } else {
    launch("rms_norm_kernel", norm_kernel<E, kPacked, false, kQuantized>, grid, block, plan.shared_bytes, stream, params);
  }
}

template <class E, bool kPacked>
void launch_packed(const NormParams& params, const NormPlan& plan, Stream stream) {
  const bool quantized = params.quantized.type != QuantizedType::kNone;
  quantized ? launch_as<E, kPacked, true>(params, plan, stream) : launch_as<E, kPacked, false>(params, plan, stream);
}

}  // namespace

void launch_norm(const NormParams& params, const NormPlan& plan, Stream stream) {
  if (params.type == ElementType::kF32) {
    plan.packed ? launch_packed<float, true>(params, plan, stream) : launch_packed<float, false>(params, plan, stream);
  } else {
    plan.packed ? launch_packed<Bf16, true>(params, plan, stream) : launch_packed<Bf16, false>(params, plan, stream);
  }
}

}  // namespace msc::cuda
