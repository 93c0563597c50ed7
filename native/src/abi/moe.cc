#include "moesaic/moe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "abi/arguments.h"
#include "abi/enqueue.h"
#include "abi/gate.h"
#include "core/guard.h"
#include "core/tensor.h"
#include "cpu/linear/linear.h"
#include "cpu/moe/moe.h"
#include "cpu/router/capacity.h"
#include "cpu/router/router.h"
#include "cpu/weight/weight.h"

namespace {

using msc::Matrix;
using msc::check_pointer;
using msc::check_reserved;
using msc::check_struct;

template <class T>
Matrix<const T> read_only(Matrix<T> m) {
  return {m.data, m.rows, m.cols, m.stride};
}

template <class T>
Matrix<T> shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols, const char* name) {
  const Matrix<T> result = msc::matrix<T>(tensor, device, name);
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "tensor '%s' is [%lld, %lld], expected [%lld, %lld]", name,
                     static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
  return result;
}

void check_router_weight(const msc_weight* weight, const msc_device* device, int64_t cols) {
  check_pointer(weight, "params->weight");
  MSC_CHECK_ARGUMENT(weight->device == device, "params->weight belongs to another device");
  MSC_CHECK_ARGUMENT(weight->is_sealed(), "params->weight is not sealed: load all rows, then msc_weight_seal");
  MSC_CHECK_ARGUMENT(weight->num_experts() == 1, "params->weight is a stack of %lld matrices, expected one of [experts, %lld]",
                     static_cast<long long>(weight->num_experts()), static_cast<long long>(cols));
  MSC_CHECK_ARGUMENT(weight->layout().cols == cols, "params->weight has %lld columns, the input has %lld",
                     static_cast<long long>(weight->layout().cols), static_cast<long long>(cols));
}

void check_groups(const msc_router_params& params, int64_t num_experts) {
  if (params.num_groups <= 1) {
    return;
  }
  MSC_CHECK_ARGUMENT(params.group_rule == MSC_ROUTER_GROUP_RULE_TOP2_SUM || params.group_rule == MSC_ROUTER_GROUP_RULE_MAX,
                     "group_rule is %d, expected a value of msc_router_group_rule", params.group_rule);
  MSC_CHECK_ARGUMENT(num_experts % params.num_groups == 0, "num_groups is %d, must divide the %lld experts", params.num_groups,
                     static_cast<long long>(num_experts));
  const int64_t size = num_experts / params.num_groups;
  MSC_CHECK_ARGUMENT(params.group_rule != MSC_ROUTER_GROUP_RULE_TOP2_SUM || size >= 2,
                     "num_groups is %d: groups of one expert have no two scores to sum (MSC_ROUTER_GROUP_RULE_TOP2_SUM)",
                     params.num_groups);
  MSC_CHECK_ARGUMENT(params.kept_groups >= 1 && params.kept_groups <= params.num_groups,
                     "kept_groups is %d, must be 1 to num_groups (%d)", params.kept_groups, params.num_groups);
  MSC_CHECK_ARGUMENT(params.kept_groups * size >= params.top_k,
                     "top_k is %d, but the %d kept groups hold only %lld experts", params.top_k, params.kept_groups,
                     static_cast<long long>(params.kept_groups * size));
}

msc::cpu::RouterRule checked_rule(const msc_router_params& params, const msc_device* device, int64_t num_experts) {
  check_reserved(params.reserved, "params->reserved");
  MSC_CHECK_ARGUMENT(params.score >= MSC_ROUTER_SCORE_SOFTMAX && params.score <= MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN,
                     "score is %d, expected a value of msc_router_score", params.score);
  MSC_CHECK_ARGUMENT(params.num_groups >= 0, "num_groups is %d, must be 0 or 1 (no groups) or more", params.num_groups);
  MSC_CHECK_ARGUMENT(params.top_k >= 1 && params.top_k <= num_experts, "top_k is %d, must be 1 to the %lld experts",
                     params.top_k, static_cast<long long>(num_experts));
  check_groups(params, num_experts);
  MSC_CHECK_ARGUMENT(params.normalise == 0 || params.normalise == 1, "normalise is %d, must be 0 or 1", params.normalise);
  MSC_CHECK_ARGUMENT(std::isfinite(params.norm_eps) && params.norm_eps >= 0.0f,
                     "norm_eps is %g, must be finite and not negative", static_cast<double>(params.norm_eps));
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "scale is %g, must be finite", static_cast<double>(params.scale));
  msc::cpu::RouterRule rule{};
  rule.score = params.score;
  rule.group_rule = params.group_rule;
  rule.num_experts = num_experts;
  rule.num_groups = params.num_groups > 1 ? params.num_groups : 1;
  rule.kept_groups = params.num_groups > 1 ? params.kept_groups : 1;
  rule.top_k = params.top_k;
  rule.normalise = params.normalise == 1;
  rule.norm_eps = params.norm_eps;
  rule.scale = params.scale;
  if (params.selection_bias.buffer != nullptr) {
    rule.selection_bias = shaped<float>(params.selection_bias, device, 1, num_experts, "selection_bias").data;
  }
  return rule;
}

/// Page-table entries from the position before each sequence's first one on must be pages of the cache.
msc::cpu::CapacityRule checked_capacity(const msc_router_params& params, const msc_device* device,
                                        const msc::cpu::RouterRule& rule, int64_t num_tokens) {
  MSC_CHECK_ARGUMENT(params.overflow >= MSC_ROUTER_OVERFLOW_UNLIMITED && params.overflow <= MSC_ROUTER_OVERFLOW_REROUTE,
                     "overflow is %d, expected a value of msc_router_overflow", params.overflow);
  check_reserved(params.reserved2, "params->reserved2");
  if (params.overflow == MSC_ROUTER_OVERFLOW_UNLIMITED) {
    return {};
  }
  MSC_CHECK_ARGUMENT(params.queue == MSC_ROUTER_QUEUE_BY_TOKEN || params.queue == MSC_ROUTER_QUEUE_BY_CHOICE,
                     "queue is %d, expected a value of msc_router_queue", params.queue);
  MSC_CHECK_ARGUMENT(std::isfinite(params.capacity_factor) && params.capacity_factor >= 0.0f,
                     "capacity_factor is %g, must be finite and not negative", static_cast<double>(params.capacity_factor));
  MSC_CHECK_ARGUMENT(params.capacity >= (params.capacity_factor > 0.0f ? 0 : 1),
                     "capacity is %lld, must be positive, or not negative with a capacity_factor",
                     static_cast<long long>(params.capacity));
  check_pointer(params.batch, "params->batch");
  check_pointer(params.cache, "params->cache");
  MSC_CHECK_ARGUMENT(params.cache->device == device, "params->cache belongs to another device");
  MSC_CHECK_ARGUMENT(params.batch->num_tokens == num_tokens, "params->batch has %lld tokens, the input %lld rows",
                     static_cast<long long>(params.batch->num_tokens), static_cast<long long>(num_tokens));
  msc::cpu::check_layer(*params.cache, params.layer);
  const msc::cpu::KvLayout& layout = params.cache->layout;
  MSC_CHECK_ARGUMENT(rule.num_experts <= layout.routed_experts && rule.top_k <= layout.routed_choices,
                     "the router chooses %lld of %lld experts, the cache's pages have room for the counts of %lld of %lld: "
                     "raise routed_experts and routed_choices",
                     static_cast<long long>(rule.top_k), static_cast<long long>(rule.num_experts),
                     static_cast<long long>(layout.routed_choices), static_cast<long long>(layout.routed_experts));
  msc::cpu::check_page_tables(*params.batch, *params.cache, msc::cpu::KvUse::kCausal, 2);
  return {params.overflow, params.queue,  params.capacity, static_cast<double>(params.capacity_factor),
          params.batch,    params.cache, params.layer};
}

void check_forced(Matrix<const int32_t> forced, int64_t num_experts, bool may_drop) {
  for (int64_t r = 0; r < forced.rows; ++r) {
    const int32_t* ids = forced.row(r);
    for (int64_t k = 0; k < forced.cols; ++k) {
      if (may_drop && ids[k] == -1) {
        continue;
      }
      MSC_CHECK_ARGUMENT(ids[k] >= 0 && ids[k] < num_experts, "forced_ids[%lld, %lld] is %d, must be 0 to %lld",
                         static_cast<long long>(r), static_cast<long long>(k), ids[k],
                         static_cast<long long>(num_experts - 1));
      for (int64_t j = 0; j < k; ++j) {
        MSC_CHECK_ARGUMENT(ids[j] != ids[k], "forced_ids[%lld] names expert %d twice", static_cast<long long>(r), ids[k]);
      }
    }
  }
}

/// z = W x + bias in float32; a row's logits depend on that row alone.
Matrix<float> router_logits(msc_stream& stream, const msc_router_params& params, Matrix<float> input, int64_t num_experts) {
  msc::cpu::LinearCall call = {};
  call.precision = MSC_PRECISION_REFERENCE;
  call.epilogue = MSC_EPILOGUE_STORE;
  call.input = input;
  call.num_targets = 1;
  call.targets[0].matrix = params.weight->expert(0);
  if (params.bias.buffer != nullptr) {
    call.targets[0].bias = shaped<float>(params.bias, stream.device, 1, num_experts, "bias").data;
  }
  const auto bytes = static_cast<size_t>(input.rows) * static_cast<size_t>(num_experts) * sizeof(float);
  Matrix<float> logits{reinterpret_cast<float*>(stream.outer_scratch(bytes)), input.rows, num_experts, num_experts};
  call.targets[0].out = logits;
  msc::cpu::linear(stream, call);
  return logits;
}

void check_stack(const msc_weight* weight, const char* name, const msc_device* device, int64_t experts, int64_t rows,
                 int64_t cols) {
  check_pointer(weight, name);
  MSC_CHECK_ARGUMENT(weight->device == device, "%s belongs to another device", name);
  MSC_CHECK_ARGUMENT(weight->is_sealed(), "%s is not sealed", name);
  MSC_CHECK_ARGUMENT(!weight->is_permuted(), "%s has permuted columns, which expert layers do not run", name);
  MSC_CHECK_ARGUMENT(weight->num_experts() == experts && weight->layout().rows == rows && weight->layout().cols == cols,
                     "%s is %lld x [%lld, %lld], must be %lld x [%lld, %lld]", name,
                     static_cast<long long>(weight->num_experts()), static_cast<long long>(weight->layout().rows),
                     static_cast<long long>(weight->layout().cols), static_cast<long long>(experts),
                     static_cast<long long>(rows), static_cast<long long>(cols));
}

/// The weights of a call: without gates, up takes the gate's place.
msc::cpu::ExpertWeights experts_of(const msc_weight* gate, const msc_weight* up, const msc_weight* down, bool gated,
                                   const char* const names[3]) {
  if (gated) {
    check_pointer(gate, names[0]);
    check_pointer(up, names[1]);
    return {gate, up, down};
  }
  MSC_CHECK_ARGUMENT(gate == nullptr, "%s is present, but the activation has no gate: leave it NULL", names[0]);
  return {up, nullptr, down};
}

/// Gate and up [I, H], down [H, I]; I and the number of experts are the gate's own.
void check_experts(const msc::cpu::ExpertWeights& weights, const char* const names[3], const msc_device* device,
                   int64_t hidden_size) {
  check_pointer(weights.gate, names[0]);
  const int64_t experts = weights.gate->num_experts();
  const int64_t width = weights.gate->layout().rows;
  check_stack(weights.gate, names[0], device, experts, width, hidden_size);
  if (weights.up != nullptr) {
    check_stack(weights.up, names[1], device, experts, width, hidden_size);
  }
  check_stack(weights.down, names[2], device, experts, hidden_size, width);
}

Matrix<const float> optional_bias(const msc_tensor& tensor, const msc_device* device, int64_t experts, int64_t cols,
                                  const char* name) {
  return tensor.buffer == nullptr ? Matrix<const float>{} : read_only(shaped<float>(tensor, device, experts, cols, name));
}

msc::cpu::MoeCall checked_moe(const msc_device* device, const msc_moe_params& params) {
  MSC_CHECK_ARGUMENT(params.precision == MSC_PRECISION_REFERENCE || params.precision == MSC_PRECISION_FAST,
                     "precision is %d, must be a msc_precision", params.precision);
  const bool gated = msc::cpu::is_gated(params.activation);
  MSC_CHECK_ARGUMENT(gated || msc::cpu::is_activation(params.activation),
                     "activation is %d, must be a gated msc_epilogue or one of an activation alone", params.activation);
  MSC_CHECK_ARGUMENT(params.accumulate == 0 || params.accumulate == 1, "accumulate is %d, must be 0 or 1",
                     params.accumulate);
  const auto input = read_only(msc::matrix<float>(params.input, device, "input"));
  msc::cpu::MoeCall call = {};
  call.input = input;
  call.gate = msc::checked_gate(params.activation, params.gate_alpha, params.gate_limit);
  call.accumulate = params.accumulate == 1;
  call.precision = params.precision;
  static constexpr const char* kNames[] = {"gate", "up", "down"};
  static constexpr const char* kUngatedNames[] = {"up", "up", "down"};
  static constexpr const char* kSharedNames[] = {"shared_gate", "shared_up", "shared_down"};
  static constexpr const char* kUngatedSharedNames[] = {"shared_up", "shared_up", "shared_down"};
  call.experts = experts_of(params.gate, params.up, params.down, gated, kNames);
  check_experts(call.experts, gated ? kNames : kUngatedNames, device, input.cols);
  const int64_t experts = call.experts.gate->num_experts();
  const int64_t width = call.experts.gate->layout().rows;
  call.gate_bias = optional_bias(params.gate_bias, device, experts, width, "gate_bias");
  call.up_bias = optional_bias(params.up_bias, device, experts, width, "up_bias");
  if (!gated) {
    MSC_CHECK_ARGUMENT(call.gate_bias.data == nullptr, "tensor 'gate_bias' is present, but the activation has no gate");
    std::swap(call.gate_bias, call.up_bias);
  }
  call.down_bias = optional_bias(params.down_bias, device, experts, input.cols, "down_bias");
  if (params.shared_gate != nullptr || params.shared_up != nullptr || params.shared_down != nullptr) {
    call.shared = experts_of(params.shared_gate, params.shared_up, params.shared_down, gated, kSharedNames);
    const char* const* names = gated ? kSharedNames : kUngatedSharedNames;
    check_experts(call.shared, names, device, input.cols);
    MSC_CHECK_ARGUMENT(call.shared.gate->num_experts() == 1, "%s holds %lld experts, must hold one", names[0],
                       static_cast<long long>(call.shared.gate->num_experts()));
  }
  const int64_t top_k = std::clamp<int64_t>(params.ids.cols, 1, experts);
  call.ids = read_only(shaped<int32_t>(params.ids, device, input.rows, top_k, "ids"));
  call.weights = read_only(shaped<float>(params.weights, device, input.rows, top_k, "weights"));
  call.out = shaped<float>(params.out, device, input.rows, input.cols, "out");
  return call;
}

void router(msc_stream& stream, const msc_router_params& params) {
  const msc_device* device = stream.device;
  const Matrix<float> input = msc::matrix<float>(params.input, device, "input");
  check_router_weight(params.weight, device, input.cols);
  const int64_t num_experts = params.weight->layout().rows;
  const msc::cpu::RouterRule rule = checked_rule(params, device, num_experts);
  const msc::cpu::CapacityRule limits = checked_capacity(params, device, rule, input.rows);
  const bool is_limited = limits.overflow != MSC_ROUTER_OVERFLOW_UNLIMITED;
  Matrix<const int32_t> forced;
  if (params.forced_ids.buffer != nullptr) {
    forced = read_only(shaped<int32_t>(params.forced_ids, device, input.rows, rule.top_k, "forced_ids"));
    check_forced(forced, num_experts, is_limited);
  }
  const auto ids = shaped<int32_t>(params.ids, device, input.rows, rule.top_k, "ids");
  const auto weights = shaped<float>(params.weights, device, input.rows, rule.top_k, "weights");
  if (input.rows == 0) {
    return;
  }
  const Matrix<float> logits = router_logits(stream, params, input, num_experts);
  msc::cpu::route(stream, rule, read_only(logits), forced, ids, weights);
  if (is_limited) {
    msc::cpu::apply_capacity(stream, rule, limits, !forced, read_only(logits), ids, weights);
  }
}

void moe(msc_stream& stream, const msc_moe_params& params) {
  msc::cpu::moe(stream, checked_moe(stream.device, params));
}

}  // namespace

msc_status msc_op_router(msc_stream* stream, const msc_router_params* params) {
  return msc::enqueue(__func__, stream, params, router);
}

msc_status msc_op_moe(msc_stream* stream, const msc_moe_params* params) {
  return msc::enqueue(__func__, stream, params, moe);
}
