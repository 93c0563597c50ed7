#include "cpu/layer_norm/kernel.h"
#include "cpu/layer_norm/layer_norm.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

void layer_norm_row_portable(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out) {
  layer_norm_kernel<portable::Simd>(in, weight, bias, count, eps, out);
}

}  // namespace msc::cpu
