#include "cpu/norm/kernel.h"
#include "cpu/norm/norm.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

void rms_norm_row_portable(const float* in, const float* weight, int64_t count, float eps, float* out) {
  rms_norm_kernel<portable::Simd>(in, weight, count, eps, out);
}

void rms_norm_add_row_portable(const float* in, const float* weight, int64_t count, float eps, float* out) {
  rms_norm_kernel<portable::Simd, true>(in, weight, count, eps, out);
}

}  // namespace msc::cpu
