#include "cpu/layer_norm/kernel.h"
#include "cpu/layer_norm/layer_norm.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

void layer_norm_row_avx512(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out) {
  layer_norm_kernel<avx512::Simd>(in, weight, bias, count, eps, out);
}

}  // namespace msc::cpu
