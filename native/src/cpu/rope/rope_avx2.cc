#include "cpu/rope/kernel.h"
#include "cpu/vec/avx2.h"

namespace msc::cpu {

const RopeKernels& rope_kernels_avx2() { return rope_kernels_of<avx2::Simd>(); }

}  // namespace msc::cpu
