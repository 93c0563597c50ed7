#include "cuda/device/plan.h"
#include "cuda/sampling/masked_head.h"

namespace msc::cuda {

MaskedHeadPlan plan_masked_head(const MaskedHeadParams& params) {
  const TiledLayout& layout = params.head.layout;
  MSC_CHECK_ARGUMENT(params.input != nullptr && params.head.weight != nullptr && params.ids != nullptr && params.counts != nullptr &&
                         params.head.out != nullptr,
                     "masked head: input, weight, ids, counts or out is NULL");
  check_range(layout.rows, 1, kMaxGrid, "masked head: features");
  check_range(params.capacity, 1, layout.rows, "masked head: capacity");
  MSC_CHECK_ARGUMENT(is_packable(params.input, params.input_stride, 2) && layout.cols % 8 == 0,
                     "masked head: the input's address, stride (%lld) and columns (%lld) must be multiples of 16 bytes",
                     static_cast<long long>(params.input_stride), static_cast<long long>(layout.cols));
  MSC_CHECK_ARGUMENT(params.rows == 1 || params.head.out_stride >= layout.rows, "masked head: out_stride is %lld, must be at least %lld",
                     static_cast<long long>(params.head.out_stride), static_cast<long long>(layout.rows));
  MaskedHeadPlan plan = {};
  plan.blocks_of_row = static_cast<unsigned>(divide_up(params.capacity, 32));
  check_range(params.rows, 1, kMaxGrid / plan.blocks_of_row, "masked head: rows");
  return plan;
}

}  // namespace msc::cuda
