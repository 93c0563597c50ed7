#include "cpu/rope/kernel.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

const RopeKernels& rope_kernels_portable() { return rope_kernels_of<portable::Simd>(); }

}  // namespace msc::cpu
