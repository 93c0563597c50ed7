#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor.h"
#include "cpu/linear/kernels.h"
#include "cpu/norm/norm.h"

namespace msc::cpu {

/// How input rows become what kernels read: optionally normalised, then rounded to a kind.
struct InputTransform {
  const LinearKernels* kernels;
  RmsNormRow norm;           // used when norm_weight is given
  const float* norm_weight;  // [cols] or NULL
  float norm_eps;
};

/// Bytes from one prepared row to the next: a multiple of 64 whose number of cache lines is odd, so that rows of wide
/// matrices do not fall on the same sets of the cache.
size_t prepared_row_bytes(InputKind kind, int64_t cols);

/// Prepares one row. @param row [cols] input. @param spare [cols] floats, used when the row is normalised and `kind`
/// is not kFloat. @param out prepared_row_bytes, 64-byte aligned.
void prepare_row(const InputTransform& transform, InputKind kind, const float* row, int64_t cols, float* spare,
                 std::byte* out);

}  // namespace msc::cpu
