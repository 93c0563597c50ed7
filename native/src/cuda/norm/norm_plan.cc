#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "cuda/norm/norm.h"

namespace msc::cuda {
namespace {

constexpr int64_t kMaxCols = 32 * 1024;  // a row as float32 in 128 KiB of shared memory
constexpr int64_t kMaxThreads = 512;

}  // namespace

NormPlan plan_norm(const NormParams& params) {
  MSC_CHECK_ARGUMENT(params.cols >= 1 && params.cols <= kMaxCols, "norm: cols is %lld, must be 1 to %lld",
                     static_cast<long long>(params.cols), static_cast<long long>(kMaxCols));
  MSC_CHECK_ARGUMENT(params.rows >= 1 && params.rows <= 0x7FFFFFFF, "norm: rows is %lld, must be 1 to 2147483647",
                     static_cast<long long>(params.rows));
  MSC_CHECK_ARGUMENT(std::isfinite(params.eps) && params.eps >= 0.0f, "norm: eps is %g, must be finite and not negative",
                     static_cast<double>(params.eps));
  MSC_CHECK_ARGUMENT(params.input != nullptr && params.weight != nullptr && params.out != nullptr,
                     "norm: input, weight or out is NULL");
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
  const int64_t threads = (params.cols / 16 + 31) / 32 * 32;
  plan.threads = static_cast<unsigned>(std::clamp<int64_t>(threads, 32, kMaxThreads));
  plan.shared_bytes = static_cast<size_t>(params.cols) * sizeof(float);
  return plan;
}

}  // namespace msc::cuda
