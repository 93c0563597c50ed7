#include "cpu/linear/kernel_set.h"
#include "cpu/linear/vector_avxvnni.h"

namespace msc::cpu {

void set_kernels_avxvnni(LinearKernels& kernels) { set_int8_kernels<VectorAvxVnni>(kernels); }

}  // namespace msc::cpu
