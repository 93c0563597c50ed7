#pragma once

#include "cpu/linear/kernels.h"
#include "cpu/weight/packed_layout.h"
#include "moesaic/base.h"

namespace msc::cpu {

/// How one matrix is multiplied at a precision.
struct MatrixPlan {
  MatrixKernel kernel;
  InputKind input;
};

MatrixPlan plan_matrix(const LinearKernels& kernels, NativeFormat format, int32_t precision);

/// tile[g][m][lane] = the product of row `lane` of group first_group + g * group_step with prepared row m. The same bits for any
/// num_groups, num_rows and neighbours.
/// @param num_groups at most kMaxTileGroups. @param rows [num_rows], at most kMaxTileRows, in any order: gathered rows
/// are as good as consecutive ones.
inline void multiply_groups(const MatrixPlan& plan, const PackedMatrix& matrix, int64_t first_group, int num_groups,
                            const std::byte* const* rows, int num_rows, float* tile, int64_t group_step = 1) {
  const PackedLayout& layout = matrix.layout;
  plan.kernel({matrix.group(first_group), layout.group_bytes * static_cast<size_t>(group_step), layout.elements_offset,
               layout.cols, num_groups, num_rows, rows, tile, layout.group_shift});
}

}  // namespace msc::cpu
