#include "cpu/sampling/kernel.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

const SamplingKernels& sampling_kernels_portable() { return sampling_kernels_of<portable::Simd>(); }

}  // namespace msc::cpu
