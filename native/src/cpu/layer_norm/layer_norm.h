#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace msc::cpu {

/// out = weight * ((input - mean) / sqrt(variance + eps)) + bias, row by row; bias may be NULL, out may be the input.
void layer_norm(msc_stream& stream, Matrix<const float> input, const float* weight, const float* bias, float eps,
                Matrix<float> out);

/// One row.
using LayerNormRow = void (*)(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out);

void layer_norm_row_portable(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out);
void layer_norm_row_avx2(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out);
void layer_norm_row_avx512(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out);

}  // namespace msc::cpu
