#include "cuda/gate/gate_kernel.h"

namespace msc::cuda {
namespace {

template <class E, GateRule kRule>
void launch_as(const GateParams& params, const GatePlan& plan, Stream stream) {
  const Extent grid{static_cast<unsigned>(params.rows) * plan.blocks_of_row};
  const Extent block{plan.threads};
  if (plan.packed) {
    launch("gate_kernel", gate_kernel<E, kRule, true>, grid, block, 0, stream, params, plan.blocks_of_row);
  } else {
    launch("gate_kernel", gate_kernel<E, kRule, false>, grid, block, 0, stream, params, plan.blocks_of_row);
  }
}

template <class E>
void launch_rule(const GateParams& params, const GatePlan& plan, Stream stream) {
  switch (params.rule) {
    case GateRule::kSwiglu:
      return launch_as<E, GateRule::kSwiglu>(params, plan, stream);
    case GateRule::kGeluTanhGlu:
      return launch_as<E, GateRule::kGeluTanhGlu>(params, plan, stream);
    case GateRule::kSwigluClamped:
      return launch_as<E, GateRule::kSwigluClamped>(params, plan, stream);
  }
}

}  // namespace

void launch_gate(const GateParams& params, const GatePlan& plan, Stream stream) {
  params.type == ElementType::kF32 ? launch_rule<float>(params, plan, stream) : launch_rule<Bf16>(params, plan, stream);
}

}  // namespace msc::cuda
