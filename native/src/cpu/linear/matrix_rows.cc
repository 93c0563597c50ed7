#include "cpu/linear/matrix_rows.h"

namespace msc::cpu {

MatrixPlan plan_matrix(const LinearKernels& kernels, NativeFormat format, int32_t precision) {
  const int index = static_cast<int>(format);
  if (precision == MSC_PRECISION_FAST) {
    return {kernels.fast[index], kernels.fast_input[index]};
  }
  return {kernels.reference[index], InputKind::kFloat};
}

}  // namespace msc::cpu
