#include "cuda/device/plan.h"
#include "cuda/quantize/quantize.h"

namespace msc::cuda {

void check_quantized(const QuantizedRows& out, int64_t cols, const char* op) {
  MSC_CHECK_ARGUMENT(out.type == QuantizedType::kF8E4M3 || out.type == QuantizedType::kI8, "%s: no type of codes (%d)", op,
                     static_cast<int>(out.type));
  MSC_CHECK_ARGUMENT(out.group == 32 || out.group == 128 || out.group == cols, "%s: group is %lld, must be 32, 128 or all %lld columns",
                     op, static_cast<long long>(out.group), static_cast<long long>(cols));
  MSC_CHECK_ARGUMENT(out.codes != nullptr && out.scales != nullptr, "%s: codes or scales is NULL", op);
}

QuantizePlan plan_quantize(const QuantizeParams& params) {
  check_range(params.cols, 1, 1 << 22, "quantize: cols");
  check_range(params.rows, 1, kMaxGrid, "quantize: rows");
  MSC_CHECK_ARGUMENT(params.input != nullptr, "quantize: input is NULL");
  check_quantized(params.out, params.cols, "quantize");
  QuantizePlan plan = {};
  const int64_t bytes = 4 * bytes_of(params.type);
  plan.packed = reinterpret_cast<uintptr_t>(params.input) % static_cast<uintptr_t>(bytes) == 0 && params.input_stride % 4 == 0;
  plan.threads = threads_for(divide_up(params.cols, 4), 512);
  return plan;
}

}  // namespace msc::cuda
