#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace msc::cpu {

/// out = weight * (input / sqrt(mean(input^2) + eps)), row by row; with `add` that is added to out.
void rms_norm(msc_stream& stream, Matrix<const float> input, const float* weight, float eps, bool add, Matrix<float> out);

/// One row; out may be in. The rows that add take another `out`.
using RmsNormRow = void (*)(const float* in, const float* weight, int64_t count, float eps, float* out);

RmsNormRow rms_norm_row(int32_t isa);
RmsNormRow rms_norm_add_row(int32_t isa);
void rms_norm_row_portable(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_add_row_portable(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_row_avx2(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_add_row_avx2(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_row_avx512(const float* in, const float* weight, int64_t count, float eps, float* out);
void rms_norm_add_row_avx512(const float* in, const float* weight, int64_t count, float eps, float* out);

}  // namespace msc::cpu
