#pragma once

#include "core/tensor.h"
#include "cpu/linear/gate_rule.h"
#include "cpu/weight/packed_layout.h"
#include "moesaic/ops.h"

namespace msc::cpu {

struct LinearTarget {
  PackedMatrix matrix;
  const float* bias;  // [rows of matrix] or NULL
  Matrix<float> out;  // unused for the second target of a gated epilogue
};

/// msc_linear_params after validation.
struct LinearCall {
  int32_t precision;
  int32_t epilogue;
  Matrix<float> input;
  const float* norm_weight;  // [cols] or NULL
  float norm_eps;
  GateRule gate;             // of a gated epilogue
  int num_targets;
  LinearTarget targets[MSC_LINEAR_MAX_WEIGHTS];
};

/// An activation of each target, without a gate.
inline bool is_activation(int32_t epilogue) {
  return epilogue == MSC_EPILOGUE_GELU || epilogue == MSC_EPILOGUE_GELU_TANH || epilogue == MSC_EPILOGUE_RELU;
}

/// Runs the op on all threads of the stream's device. The outputs must not overlap the input.
void linear(msc_stream& stream, const LinearCall& call);

}  // namespace msc::cpu
