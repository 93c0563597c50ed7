#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/norm/norm.h"

namespace msc::cuda {
namespace {

constexpr int64_t kMaxCols = 32 * 1024;  // a row as float32 in 128 KiB of shared memory
constexpr int64_t kMaxThreads = 512;

}  // namespace

NormPlan plan_norm(const NormParams& params) {
  check_range(params.cols, 1, kMaxCols, "norm: cols");
  check_range(params.rows, 1, kMaxGrid, "norm: rows");
  MSC_CHECK_ARGUMENT(std::isfinite(params.eps) && params.eps >= 0.0f, "norm: eps is %g, must be finite and not negative",
                     static_cast<double>(params.eps));
  const bool quantized = params.quantized.type != QuantizedType::kNone;
  MSC_CHECK_ARGUMENT(params.input != nullptr && params.weight != nullptr && (params.out != nullptr || quantized),
                     "norm: input, weight or out is NULL");
  if (quantized) {
    check_quantized(params.quantized, params.cols, "norm");
    MSC_CHECK_ARGUMENT(!params.accumulate, "norm: what is added to out cannot be had as codes");
  }
  MSC_CHECK_ARGUMENT(!(params.accumulate && params.out == params.input),
                     "norm: out is the input although it is added to");
  const int64_t element = bytes_of(params.type);
  const int64_t pack = 16 / element;
  NormPlan plan = {};
  plan.packed = params.cols % pack == 0 && is_packable(params.input, params.input_stride, element) &&
                is_packable(params.out, params.out_stride, element) && is_packable(params.weight, 0, 4) &&
                is_packable(params.bias, 0, 4) &&
                (params.residual == nullptr || is_packable(params.residual, params.residual_stride, element));
  // Four accesses of a thread keep enough bytes in flight; the count must not depend on `packed`, or the same row would
  // be summed in another order at another address.
  plan.threads = threads_for(params.cols / 16, kMaxThreads);
  plan.shared_bytes = static_cast<size_t>(params.cols) * sizeof(float);
  return plan;
}

}  // namespace msc::cuda
