#include "cpu/rope/kernel.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

const RopeKernels& rope_kernels_avx512() { return rope_kernels_of<avx512::Simd>(); }

}  // namespace msc::cpu
