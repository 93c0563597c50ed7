#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/gate/gate.h"

namespace msc::cuda {

GatePlan plan_gate(const GateParams& params) {
  check_range(params.cols, 1, 1 << 22, "gate: cols");
  MSC_CHECK_ARGUMENT(params.gate != nullptr && params.up != nullptr && params.out != nullptr, "gate: gate, up or out is NULL");
  if (params.rule == GateRule::kSwigluClamped) {
    MSC_CHECK_ARGUMENT(std::isfinite(params.alpha) && params.alpha > 0.0f && std::isfinite(params.limit) && params.limit > 0.0f,
                       "gate: alpha is %g and limit %g, must be finite and above 0", static_cast<double>(params.alpha),
                       static_cast<double>(params.limit));
  }
  const int64_t element = bytes_of(params.type);
  const int64_t pack = 16 / element;
  GatePlan plan = {};
  plan.packed = params.cols % pack == 0 && is_packable(params.gate, params.gate_stride, element) &&
                is_packable(params.up, params.up_stride, element) && is_packable(params.out, params.out_stride, element);
  const int64_t items = plan.packed ? params.cols / pack : params.cols;
  plan.threads = threads_for(items, 256);
  plan.blocks_of_row = static_cast<unsigned>(divide_up(items, plan.threads));
  check_range(params.rows, 1, kMaxGrid / plan.blocks_of_row, "gate: rows");
  return plan;
}

}  // namespace msc::cuda
