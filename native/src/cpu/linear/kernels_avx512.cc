#include "cpu/linear/activation.h"
#include "cpu/linear/gate.h"
#include "cpu/linear/kernel_set.h"
#include "cpu/linear/vector_avx512.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

void set_kernels_avx512(LinearKernels& kernels) {
  set_all_kernels<VectorAvx512>(kernels);
  kernels.gate = gate_values<avx512::Simd>;
  kernels.activate = activate_values<avx512::Simd>;
}

}  // namespace msc::cpu
