#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/tensor.h"
#include "cpu/linear/gate_rule.h"
#include "moesaic/moe.h"

namespace msc::cpu {

/// The three matrices of an expert layer, each a stack of one or more.
struct ExpertWeights {
  const msc_weight* gate;  // the matrix before the activation
  const msc_weight* up;    // NULL: experts without a gate
  const msc_weight* down;
};

/// A checked call of msc_op_moe.
struct MoeCall {
  Matrix<const float> input;    // [T, H]
  Matrix<const int32_t> ids;    // [T, K]
  Matrix<const float> weights;  // [T, K]
  ExpertWeights experts;
  ExpertWeights shared;  // NULLs where there is none
  Matrix<const float> gate_bias;  // [E, I] of the routed experts; without data where there is none, as the next two
  Matrix<const float> up_bias;
  Matrix<const float> down_bias;  // [E, H]
  Matrix<float> out;     // [T, H]
  GateRule gate;         // the activation
  bool accumulate;
  int32_t precision;     // msc_precision
};

/// out[t] (+)= sum over the chosen experts, ascending, of down(weight * act(gate x) * up x), then the shared expert.
/// One parallel section: prepare input rows; gate, up and activation by (expert, row groups), where the thread that
/// completes rows also prepares them for the next product; down by (expert, row groups) into results apart; their sums.
/// A row's result depends on that row alone.
void moe(msc_stream& stream, const MoeCall& call);

}  // namespace msc::cpu
