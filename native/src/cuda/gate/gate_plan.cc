#include <cmath>

#include "core/error.h"
#include "cuda/gate/gate.h"

namespace msc::cuda {

GatePlan plan_gate(const GateParams& params) {
  constexpr int64_t kMaxRows = 0x7FFFFFFF;
  constexpr int64_t kMaxCols = 1 << 22;
  MSC_CHECK_ARGUMENT(params.rows >= 1 && params.rows <= kMaxRows, "gate: rows is %lld, must be 1 to %lld",
                     static_cast<long long>(params.rows), static_cast<long long>(kMaxRows));
  MSC_CHECK_ARGUMENT(params.cols >= 1 && params.cols <= kMaxCols, "gate: cols is %lld, must be 1 to %lld",
                     static_cast<long long>(params.cols), static_cast<long long>(kMaxCols));
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
  plan.threads = items >= 256 ? 256 : static_cast<unsigned>((items + 31) / 32 * 32);
  plan.blocks_of_row = static_cast<unsigned>((items + plan.threads - 1) / plan.threads);
  MSC_CHECK_ARGUMENT(params.rows <= kMaxRows / plan.blocks_of_row,
                     "gate: %lld rows of %lld columns are more blocks than a grid has: split the rows",
                     static_cast<long long>(params.rows), static_cast<long long>(params.cols));
  return plan;
}

}  // namespace msc::cuda
