#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace msc::cpu {

/// out = weight * (input / sqrt(mean(input^2) + eps)), row by row.
void rms_norm(msc_stream& stream, Matrix<const float> input, const float* weight, float eps, Matrix<float> out);

/// One row; out may be in.
using RmsNormRow = void (*)(const float* in, const float* weight, int64_t count, float eps, float* out);

RmsNormRow rms_norm_row(int32_t isa);
void rms_norm_row_portable(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_row_avx2(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_row_avx512(const float* in, const float* weight, int64_t count, float eps, float* out);

}  // namespace msc::cpu
