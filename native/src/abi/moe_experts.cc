#include "moesaic/moe.h"

#include <algorithm>

#include "abi/arguments.h"
#include "core/guard.h"
#include "core/tensor.h"
#include "cpu/moe/moe.h"
#include "cpu/weight/weight.h"

namespace {

using msc::Matrix;

void check_stack(const msc_weight* weight, const char* name, const msc_device* device, int64_t experts, int64_t rows,
                 int64_t cols) {
  msc::check_pointer(weight, name);
  MSC_CHECK_ARGUMENT(weight->device == device, "%s belongs to another device", name);
  MSC_CHECK_ARGUMENT(weight->is_sealed(), "%s is not sealed", name);
  MSC_CHECK_ARGUMENT(weight->num_experts() == experts && weight->layout().rows == rows && weight->layout().cols == cols,
                     "%s is %lld x [%lld, %lld], must be %lld x [%lld, %lld]", name,
                     static_cast<long long>(weight->num_experts()), static_cast<long long>(weight->layout().rows),
                     static_cast<long long>(weight->layout().cols), static_cast<long long>(experts),
                     static_cast<long long>(rows), static_cast<long long>(cols));
}

/// Gate and up [I, H], down [H, I]; I and the number of experts are the gate's own.
void check_experts(const msc::cpu::ExpertWeights& weights, const char* const names[3], const msc_device* device,
                   int64_t hidden_size) {
  msc::check_pointer(weights.gate, names[0]);
  const int64_t experts = weights.gate->num_experts();
  const int64_t width = weights.gate->layout().rows;
  check_stack(weights.gate, names[0], device, experts, width, hidden_size);
  check_stack(weights.up, names[1], device, experts, width, hidden_size);
  check_stack(weights.down, names[2], device, experts, hidden_size, width);
}

template <class T>
void check_shape(const Matrix<T>& tensor, const char* name, int64_t rows, int64_t cols) {
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "%s is [%lld, %lld], must be [%lld, %lld]", name,
                     static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
}

msc::cpu::MoeCall checked_call(const msc_device* device, const msc_moe_params& params) {
  MSC_CHECK_ARGUMENT(params.precision == MSC_PRECISION_REFERENCE || params.precision == MSC_PRECISION_FAST,
                     "precision is %d, must be a msc_precision", params.precision);
  MSC_CHECK_ARGUMENT(params.activation == MSC_EPILOGUE_SWIGLU || params.activation == MSC_EPILOGUE_GELU_TANH_GLU,
                     "activation is %d, must be MSC_EPILOGUE_SWIGLU or MSC_EPILOGUE_GELU_TANH_GLU", params.activation);
  MSC_CHECK_ARGUMENT(params.accumulate == 0 || params.accumulate == 1, "accumulate is %d, must be 0 or 1",
                     params.accumulate);
  const auto input = msc::matrix<float>(params.input, device, "input");
  const auto ids = msc::matrix<int32_t>(params.ids, device, "ids");
  const auto weights = msc::matrix<float>(params.weights, device, "weights");
  const auto out = msc::matrix<float>(params.out, device, "out");
  msc::cpu::MoeCall call = {
      .input = {input.data, input.rows, input.cols, input.stride},
      .ids = {ids.data, ids.rows, ids.cols, ids.stride},
      .weights = {weights.data, weights.rows, weights.cols, weights.stride},
      .experts = {params.gate, params.up, params.down},
      .shared = {params.shared_gate, params.shared_up, params.shared_down},
      .out = out,
      .activation = params.activation,
      .accumulate = params.accumulate == 1,
      .precision = params.precision,
  };
  static constexpr const char* kNames[] = {"gate", "up", "down"};
  static constexpr const char* kSharedNames[] = {"shared_gate", "shared_up", "shared_down"};
  check_experts(call.experts, kNames, device, input.cols);
  if (params.shared_gate != nullptr || params.shared_up != nullptr || params.shared_down != nullptr) {
    check_experts(call.shared, kSharedNames, device, input.cols);
    MSC_CHECK_ARGUMENT(params.shared_gate->num_experts() == 1, "shared_gate holds %lld experts, must hold one",
                       static_cast<long long>(params.shared_gate->num_experts()));
  }
  check_shape(ids, "ids", input.rows, std::clamp<int64_t>(ids.cols, 1, params.gate->num_experts()));
  check_shape(weights, "weights", input.rows, ids.cols);
  check_shape(out, "out", input.rows, input.cols);
  return call;
}

}  // namespace

msc_status msc_op_moe(msc_stream* stream, const msc_moe_params* params) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(stream, "stream");
    msc::check_struct(params, "params");
    msc::cpu::moe(*stream, checked_call(stream->device, *params));
  });
}
