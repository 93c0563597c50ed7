#include "cpu/sampling/kernel.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

const SamplingKernels& sampling_kernels_avx512() { return sampling_kernels_of<avx512::Simd>(); }

}  // namespace msc::cpu
