#include "cpu/linear/activation.h"
#include "cpu/linear/gate.h"
#include "cpu/linear/kernel_set.h"
#include "cpu/linear/vector_portable.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

void set_kernels_portable(LinearKernels& kernels) {
  set_all_kernels<VectorPortable>(kernels);
  kernels.gate = gate_values<portable::Simd>;
  kernels.activate = activate_values<portable::Simd>;
}

}  // namespace msc::cpu
