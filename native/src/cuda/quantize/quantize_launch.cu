#include "cuda/quantize/quantize_kernel.h"

namespace msc::cuda {
namespace {

template <class E>
void launch_as(const QuantizeParams& params, const QuantizePlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>(params.rows)};
  launch("quantize_kernel", plan.packed ? quantize_kernel<E, true> : quantize_kernel<E, false>, grid, Extent{plan.threads}, 0,
         stream, params);
}

}  // namespace

void launch_quantize(const QuantizeParams& params, const QuantizePlan& plan, Stream stream) {
  params.type == ElementType::kF32 ? launch_as<float>(params, plan, stream) : launch_as<Bf16>(params, plan, stream);
}

}  // namespace msc::cuda
