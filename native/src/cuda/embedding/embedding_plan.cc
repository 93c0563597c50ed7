#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "cuda/embedding/embedding.h"

namespace msc::cuda {

EmbeddingPlan plan_embedding(const EmbeddingParams& params) {
  constexpr int64_t kMaxCount = 0x7FFFFFFF;
  constexpr int64_t kMaxCols = 1 << 20;
  MSC_CHECK_ARGUMENT(params.cols >= 1 && params.cols <= kMaxCols, "embedding: cols is %lld, must be 1 to %lld",
                     static_cast<long long>(params.cols), static_cast<long long>(kMaxCols));
  MSC_CHECK_ARGUMENT(params.table_rows >= 1 && params.table_rows <= kMaxCount, "embedding: table_rows is %lld, must be 1 to %lld",
                     static_cast<long long>(params.table_rows), static_cast<long long>(kMaxCount));
  MSC_CHECK_ARGUMENT(params.ids != nullptr && params.table != nullptr && params.out != nullptr,
                     "embedding: ids, table or out is NULL");
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "embedding: scale is %g, must be finite", static_cast<double>(params.scale));
  EmbeddingPlan plan = {};
  plan.threads = static_cast<unsigned>(std::min<int64_t>(256, (params.cols + 31) / 32 * 32));
  plan.blocks_of_row = static_cast<unsigned>((params.cols + plan.threads - 1) / plan.threads);
  MSC_CHECK_ARGUMENT(params.tokens >= 1 && params.tokens <= kMaxCount / plan.blocks_of_row,
                     "embedding: tokens is %lld, must be 1 to %lld", static_cast<long long>(params.tokens),
                     static_cast<long long>(kMaxCount / plan.blocks_of_row));
  return plan;
}

}  // namespace msc::cuda
