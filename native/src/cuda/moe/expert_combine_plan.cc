#include "cuda/device/plan.h"
#include "cuda/moe/expert_combine.h"

namespace msc::cuda {

ExpertCombinePlan plan_expert_combine(const ExpertCombineParams& params) {
  check_range(params.top_k, 1, 512, "expert combine: top_k");
  check_range(params.cols, 1, 1 << 20, "expert combine: cols");
  check_range(params.shared_row, -1, kMaxGrid, "expert combine: shared_row");
  MSC_CHECK_ARGUMENT(params.rows != nullptr && params.row_of_choice != nullptr && params.weights != nullptr && params.out != nullptr,
                     "expert combine: rows, row_of_choice, weights or out is NULL");
  ExpertCombinePlan plan = {};
  plan.packed = params.cols % 8 == 0 && is_packable(params.rows, params.rows_stride, bytes_of(params.rows_type)) &&
                is_packable(params.out, params.out_stride, bytes_of(params.out_type));
  const int64_t eights = divide_up(params.cols, 8);
  plan.threads = threads_for(eights, 128);
  plan.blocks_of_row = static_cast<unsigned>(divide_up(eights, plan.threads));
  check_range(params.tokens, 1, kMaxGrid / plan.blocks_of_row, "expert combine: tokens");
  return plan;
}

}  // namespace msc::cuda
