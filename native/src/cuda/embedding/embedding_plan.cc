#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/embedding/embedding.h"

namespace msc::cuda {

EmbeddingPlan plan_embedding(const EmbeddingParams& params) {
  check_range(params.cols, 1, 1 << 20, "embedding: cols");
  check_range(params.table_rows, 1, 0x7FFFFFFF, "embedding: table_rows");  // ids are int32
  MSC_CHECK_ARGUMENT(params.ids != nullptr && params.table != nullptr && params.out != nullptr,
                     "embedding: ids, table or out is NULL");
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "embedding: scale is %g, must be finite", static_cast<double>(params.scale));
  EmbeddingPlan plan = {};
  plan.threads = threads_for(params.cols, 256);
  plan.blocks_of_row = static_cast<unsigned>(divide_up(params.cols, plan.threads));
  check_range(params.tokens, 1, kMaxGrid / plan.blocks_of_row, "embedding: tokens");
  return plan;
}

}  // namespace msc::cuda
