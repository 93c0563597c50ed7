#pragma once

#include <cstdint>
#include <vector>

#include "moesaic/ops.h"

namespace msc::cpu {

/// The linear op written down plainly, for tests: dequantised weights, sums in double. Never used in a product run.
struct ReferenceLinear {
  int32_t epilogue;
  int64_t rows, cols;       // of the input
  const float* input;       // [rows, cols], as it enters the products: normalised and rounded
  struct Weight {
    const float* values;    // [num_outputs, cols]
    const float* bias;      // [num_outputs] or NULL
    int64_t num_outputs;
  };
  std::vector<Weight> weights;
  double gate_alpha = 0;    // of MSC_EPILOGUE_SWIGLU_CLAMPED
  double gate_limit = 0;
};

/// Output of each target (of the first alone with a gated epilogue). @param outs row-major; holds the values to add to
/// with MSC_EPILOGUE_ADD, resized otherwise.
void reference_linear(const ReferenceLinear& op, std::vector<std::vector<float>>& outs);

/// RMSNorm of each row.
std::vector<float> reference_rms_norm(const std::vector<float>& input, int64_t cols, const std::vector<float>& weight,
                                      float eps);

/// The values that int8 (per 32) or bf16 activations stand for.
std::vector<float> reference_round_int8(const std::vector<float>& input);
std::vector<float> reference_round_bf16(const std::vector<float>& input);

}  // namespace msc::cpu
