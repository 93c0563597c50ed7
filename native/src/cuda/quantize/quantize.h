#pragma once

#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"

namespace msc::cuda {

enum class QuantizedType : int32_t { kNone, kF8E4M3, kI8 };

/// Rows of activations as 8-bit codes with a scale per group of columns: x = scale * code. The scale is the group's largest
/// magnitude / 448 or / 127, codes are rounded to nearest, ties to even, from x * (448 or 127 / largest), as the CPU's
/// integer products have it. Groups below 1e-30 become zeros; the scale of a group that holds a NaN or infinity is not
/// finite, so that such a value is never lost, and its codes are 0.
struct QuantizedRows {
  QuantizedType type;
  int64_t group;          // columns with one scale: 32, 128 or all
  void* codes;            // [rows, cols] bytes
  int64_t codes_stride;   // from one row to the next
  float* scales;          // of row r and group g: r * scale_row_stride + g * scale_group_stride
  int64_t scale_row_stride;
  int64_t scale_group_stride;
};

struct QuantizeParams {
  ElementType type;  // of input
  int64_t rows;
  int64_t cols;
  const void* input;  // [rows, cols]
  int64_t input_stride;
  QuantizedRows out;
};

struct QuantizePlan {
  unsigned threads;  // of the block that owns a row
  bool packed;       // inputs are read four at a time
};

/// Throws Error (bad argument) naming the field that is wrong; for ops whose results go straight to codes.
void check_quantized(const QuantizedRows& out, int64_t cols, const char* op);

/// Throws Error (bad argument) naming the field that is wrong.
QuantizePlan plan_quantize(const QuantizeParams& params);
void launch_quantize(const QuantizeParams& params, const QuantizePlan& plan, Stream stream);

}  // namespace msc::cuda
