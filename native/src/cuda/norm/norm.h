#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"
#include "cuda/quantize/quantize.h"

namespace msc::cuda {

/// RMSNorm (Zhang and Sennrich 2019) or LayerNorm (Ba, Kiros and Hinton 2016) of rows, with the residual stream.
/// x = input, or input + residual, which is then what the residual becomes; the norm reads x before it is rounded to the
/// residual's type: out (+)= weight * (x - mean) / sqrt(mean((x - mean)^2) + eps) + bias, with mean 0 in RMSNorm.
struct NormParams {
  ElementType type;         // of input, residual and out; weights are float32
  bool subtract_mean;       // LayerNorm
  bool accumulate;          // add to out
  float eps;
  int64_t rows;
  int64_t cols;
  const void* input;        // [rows, cols]
  int64_t input_stride;     // elements from one row to the next
  void* residual;           // [rows, cols] or NULL
  int64_t residual_stride;
  const float* weight;      // [cols]
  const float* bias;        // [cols] or NULL
  void* out;                // [rows, cols]; may be input; NULL when only codes are wanted
  int64_t out_stride;
  QuantizedRows quantized;  // the result as codes, of the values before they are rounded to `type`; kNone: not wanted
};

/// How a row is worked on; from its width and addresses alone, never from how many rows there are.
struct NormPlan {
  unsigned threads;  // of the block that owns a row, a multiple of 32
  bool packed;       // 16 bytes at a time
  size_t shared_bytes;
};

/// Throws Error (bad argument) naming the field that is wrong.
NormPlan plan_norm(const NormParams& params);
void launch_norm(const NormParams& params, const NormPlan& plan, Stream stream);

}  // namespace msc::cuda
