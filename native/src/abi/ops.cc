#include "moesaic/ops.h"

#include <cmath>

#include "abi/arguments.h"
#include "abi/enqueue.h"
#include "abi/gate.h"
#include "abi/overlap.h"
#include "core/batch.h"
#include "core/guard.h"
#include "core/tensor.h"
#include "cpu/embedding/embedding.h"
#include "cpu/gather/gather.h"
#include "cpu/layer_norm/layer_norm.h"
#include "cpu/linear/linear.h"
#include "cpu/norm/norm.h"
#include "cpu/weight/weight.h"

namespace {

using msc::Matrix;
using msc::check_pointer;
using msc::check_reserved;
using msc::check_struct;
using msc::overlaps;

Matrix<float> shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols, const char* name) {
  const Matrix<float> result = msc::matrix<float>(tensor, device, name);
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "tensor '%s' is [%lld, %lld], expected [%lld, %lld]",
                     name, static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
  return result;
}

Matrix<const float> read_only(Matrix<float> m) { return {m.data, m.rows, m.cols, m.stride}; }

void check_weight(const msc_weight* weight, const msc_device* device, const char* name) {
  check_pointer(weight, name);
  MSC_CHECK_ARGUMENT(weight->device == device, "weight '%s' belongs to another device", name);
  MSC_CHECK_ARGUMENT(weight->is_sealed(), "weight '%s' is not sealed: load all rows, then msc_weight_seal", name);
  MSC_CHECK_ARGUMENT(weight->num_experts() == 1, "weight '%s' is a stack of %lld experts, expected a dense one", name,
                     static_cast<long long>(weight->num_experts()));
}

void check_eps(float eps, const char* name) {
  MSC_CHECK_ARGUMENT(std::isfinite(eps) && eps >= 0.0f, "%s is %g, must be finite and not negative", name,
                     static_cast<double>(eps));
}

constexpr const char* kWeightNames[] = {"targets[0].weight", "targets[1].weight", "targets[2].weight",
                                        "targets[3].weight"};
constexpr const char* kBiasNames[] = {"targets[0].bias", "targets[1].bias", "targets[2].bias", "targets[3].bias"};
constexpr const char* kOutNames[] = {"targets[0].out", "targets[1].out", "targets[2].out", "targets[3].out"};

/// Fills target `index` of the call; the second target of a gated epilogue has no output.
void check_target(const msc_linear_target& target, const msc_device* device, uint32_t index, bool has_out,
                  msc::cpu::LinearCall& call) {
  check_weight(target.weight, device, kWeightNames[index]);
  const msc::cpu::PackedLayout& layout = target.weight->layout();
  MSC_CHECK_ARGUMENT(layout.cols == call.input.cols, "weight '%s' has %lld columns, the input has %lld",
                     kWeightNames[index], static_cast<long long>(layout.cols),
                     static_cast<long long>(call.input.cols));
  msc::cpu::LinearTarget& result = call.targets[index];
  result.matrix = target.weight->expert(0);
  if (target.bias.buffer != nullptr) {
    result.bias = shaped(target.bias, device, 1, layout.rows, kBiasNames[index]).data;
  }
  if (!has_out) {
    MSC_CHECK_ARGUMENT(target.out.buffer == nullptr, "tensor '%s' is set, but a gated epilogue writes targets[0].out only",
                       kOutNames[index]);
    return;
  }
  result.out = shaped(target.out, device, call.input.rows, layout.rows, kOutNames[index]);
  MSC_CHECK_ARGUMENT(!overlaps(result.out, call.input), "tensor '%s' overlaps the input", kOutNames[index]);
  for (uint32_t i = 0; i < index; ++i) {
    MSC_CHECK_ARGUMENT(!overlaps(result.out, call.targets[i].out), "tensors '%s' and '%s' overlap", kOutNames[i],
                       kOutNames[index]);
  }
}

msc::cpu::LinearCall checked_call(const msc_device* device, const msc_linear_params& params) {
  check_reserved(params.reserved, "params->reserved");
  MSC_CHECK_ARGUMENT(params.precision == MSC_PRECISION_REFERENCE || params.precision == MSC_PRECISION_FAST,
                     "params->precision is %d, expected a value of msc_precision", params.precision);
  MSC_CHECK_ARGUMENT((params.epilogue >= MSC_EPILOGUE_STORE && params.epilogue <= MSC_EPILOGUE_SWIGLU_CLAMPED) ||
                         msc::cpu::is_activation(params.epilogue),
                     "params->epilogue is %d, expected a value of msc_epilogue", params.epilogue);
  MSC_CHECK_ARGUMENT(params.num_targets >= 1 && params.num_targets <= MSC_LINEAR_MAX_WEIGHTS,
                     "params->num_targets is %u, expected 1 to %d", params.num_targets, MSC_LINEAR_MAX_WEIGHTS);
  const bool gated = msc::cpu::is_gated(params.epilogue);
  MSC_CHECK_ARGUMENT(!gated || params.num_targets == 2,
                     "params->num_targets is %u, a gated epilogue takes two: gate and up", params.num_targets);
  msc::cpu::LinearCall call = {};
  call.precision = params.precision;
  call.epilogue = params.epilogue;
  call.gate = msc::checked_gate(params.epilogue, params.gate_alpha, params.gate_limit);
  call.input = msc::matrix<float>(params.input, device, "input");
  call.num_targets = static_cast<int>(params.num_targets);
  if (params.norm_weight.buffer != nullptr) {
    call.norm_weight = shaped(params.norm_weight, device, 1, call.input.cols, "norm_weight").data;
    check_eps(params.norm_eps, "params->norm_eps");
    call.norm_eps = params.norm_eps;
  }
  for (uint32_t i = 0; i < params.num_targets; ++i) {
    check_target(params.targets[i], device, i, !(gated && i == 1), call);
  }
  if (gated) {
    MSC_CHECK_ARGUMENT(call.targets[0].matrix.layout.rows == call.targets[1].matrix.layout.rows,
                       "gate and up have %lld and %lld rows, must be equal",
                       static_cast<long long>(call.targets[0].matrix.layout.rows),
                       static_cast<long long>(call.targets[1].matrix.layout.rows));
  }
  return call;
}

void check_batch(const msc_batch& batch, const msc_stream& stream) {
  MSC_CHECK_ARGUMENT(batch.device == stream.device, "batch and stream belong to different devices");
}

void embedding(msc_stream& stream, const msc_batch& batch, const msc_embedding_params& params) {
  check_batch(batch, stream);
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "params->scale is %g, must be finite",
                     static_cast<double>(params.scale));
  MSC_CHECK_ARGUMENT(
      params.index >= MSC_EMBEDDING_INDEX_TOKEN && params.index <= MSC_EMBEDDING_INDEX_FIRST_ROW,
      "params->index is %d, expected a value of msc_embedding_index", params.index);
  MSC_CHECK_ARGUMENT(params.accumulate == 0 || params.accumulate == 1, "params->accumulate is %d, must be 0 or 1",
                     params.accumulate);
  check_weight(params.table, stream.device, "table");
  const msc::cpu::PackedMatrix table = params.table->expert(0);
  const Matrix<float> out = shaped(params.out, stream.device, batch.num_tokens, table.layout.cols, "out");
  const bool by_position = params.index == MSC_EMBEDDING_INDEX_POSITION;
  const int32_t* rows = params.index == MSC_EMBEDDING_INDEX_FIRST_ROW ? nullptr
                        : by_position                                  ? batch.positions.data()
                                                                       : batch.token_ids.data();
  for (int64_t t = 0; rows != nullptr && t < batch.num_tokens; ++t) {
    MSC_CHECK_ARGUMENT(rows[t] >= 0 && rows[t] < table.layout.rows, "token %lld has %s %d, the table has %lld rows",
                       static_cast<long long>(t), by_position ? "position" : "id", rows[t],
                       static_cast<long long>(table.layout.rows));
  }
  msc::cpu::embedding(stream, table, rows, params.scale, params.accumulate == 1, out);
}

void rms_norm(msc_stream& stream, const msc_rms_norm_params& params) {
  check_reserved(params.reserved, "params->reserved");
  check_eps(params.eps, "params->eps");
  MSC_CHECK_ARGUMENT(params.accumulate == 0 || params.accumulate == 1, "params->accumulate is %d, must be 0 or 1",
                     params.accumulate);
  const bool add = params.accumulate == 1;
  const msc_device* device = stream.device;
  const Matrix<float> input = msc::matrix<float>(params.input, device, "input");
  const Matrix<float> weight = shaped(params.weight, device, 1, input.cols, "weight");
  const Matrix<float> out = shaped(params.out, device, input.rows, input.cols, "out");
  const bool in_place = out.data == input.data && (out.stride == input.stride || out.rows <= 1);
  MSC_CHECK_ARGUMENT((in_place && !add) || !overlaps(out, input), "tensor 'out' overlaps 'input' %s",
                     add ? "although it is added to" : "without being the same");
  msc::cpu::rms_norm(stream, read_only(input), weight.data, params.eps, add, out);
}

void layer_norm(msc_stream& stream, const msc_layer_norm_params& params) {
  check_eps(params.eps, "params->eps");
  const msc_device* device = stream.device;
  const Matrix<float> input = msc::matrix<float>(params.input, device, "input");
  const Matrix<float> weight = shaped(params.weight, device, 1, input.cols, "weight");
  const float* bias =
      params.bias.buffer == nullptr ? nullptr : shaped(params.bias, device, 1, input.cols, "bias").data;
  const Matrix<float> out = shaped(params.out, device, input.rows, input.cols, "out");
  const bool in_place = out.data == input.data && (out.stride == input.stride || out.rows <= 1);
  MSC_CHECK_ARGUMENT(in_place || !overlaps(out, input), "tensor 'out' overlaps 'input' without being the same");
  msc::cpu::layer_norm(stream, read_only(input), weight.data, bias, params.eps, out);
}

void gather_rows(msc_stream& stream, const msc_batch& batch, const msc_gather_rows_params& params) {
  check_batch(batch, stream);
  check_reserved(params.reserved, "params->reserved");
  const Matrix<float> input = msc::matrix<float>(params.input, stream.device, "input");
  MSC_CHECK_ARGUMENT(input.rows == batch.num_tokens, "tensor 'input' has %lld rows, the batch has %lld tokens",
                     static_cast<long long>(input.rows), static_cast<long long>(batch.num_tokens));
  const Matrix<float> out = shaped(params.out, stream.device, batch.num_logit_rows, input.cols, "out");
  MSC_CHECK_ARGUMENT(!overlaps(out, input), "tensor 'out' overlaps 'input'");
  msc::cpu::gather_rows(stream, read_only(input), batch.logit_rows.data(), out);
}

void linear(msc_stream& stream, const msc_linear_params& params) {
  msc::cpu::linear(stream, checked_call(stream.device, params));
}

}  // namespace

msc_status msc_op_embedding(msc_stream* stream, const msc_batch* batch, const msc_embedding_params* params) {
  return msc::enqueue(__func__, stream, batch, params, embedding);
}

msc_status msc_op_rms_norm(msc_stream* stream, const msc_rms_norm_params* params) {
  return msc::enqueue(__func__, stream, params, rms_norm);
}

msc_status msc_op_layer_norm(msc_stream* stream, const msc_layer_norm_params* params) {
  return msc::enqueue(__func__, stream, params, layer_norm);
}

msc_status msc_op_gather_rows(msc_stream* stream, const msc_batch* batch, const msc_gather_rows_params* params) {
  return msc::enqueue(__func__, stream, batch, params, gather_rows);
}

msc_status msc_op_linear(msc_stream* stream, const msc_linear_params* params) {
  return msc::enqueue(__func__, stream, params, linear);
}
