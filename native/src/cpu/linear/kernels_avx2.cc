#include "cpu/linear/activation.h"
#include "cpu/linear/gate.h"
#include "cpu/linear/kernel_set.h"
#include "cpu/linear/vector_avx2.h"
#include "cpu/vec/avx2.h"

namespace msc::cpu {

void set_kernels_avx2(LinearKernels& kernels) {
  set_all_kernels<VectorAvx2>(kernels);
  kernels.gate = gate_values<avx2::Simd>;
  kernels.activate = activate_values<avx2::Simd>;
}

}  // namespace msc::cpu
