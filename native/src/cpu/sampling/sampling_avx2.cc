#include "cpu/sampling/kernel.h"
#include "cpu/vec/avx2.h"

namespace msc::cpu {

const SamplingKernels& sampling_kernels_avx2() { return sampling_kernels_of<avx2::Simd>(); }

}  // namespace msc::cpu
