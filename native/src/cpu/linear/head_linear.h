#pragma once

#include "core/tensor.h"
#include "cpu/weight/weight.h"

namespace msc::cpu {

/// A checked msc_op_head_linear call; heads are the experts of the weight.
struct HeadLinearCall {
  int32_t precision;
  const msc_weight* weight;
  Matrix<const float> input;  // [M, heads * input_width]
  Matrix<float> out;          // [M, heads * out_width]
  int64_t input_width;
  int64_t out_width;
};

void head_linear(msc_stream& stream, const HeadLinearCall& call);

}  // namespace msc::cpu
