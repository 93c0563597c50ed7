#include "cuda/device/plan.h"
#include "cuda/moe/expert_sort.h"

namespace msc::cuda {
namespace {

constexpr int64_t kMostExperts = 512;  // a thread owns an expert
constexpr int64_t kMostThreads = 512;
constexpr int64_t kMostChoices = int64_t{1} << 24;

}  // namespace

ExpertSortPlan plan_expert_sort(const ExpertSortParams& params) {
  check_range(params.num_experts, 1, kMostExperts, "expert sort: num_experts");
  check_range(params.top_k, 1, kMostExperts, "expert sort: top_k");
  check_range(params.tokens, 1, kMostChoices / params.top_k, "expert sort: tokens");
  check_range(params.tile_rows, 1, kMostChoices, "expert sort: tile_rows");
  MSC_CHECK_ARGUMENT(params.ids != nullptr && params.offsets != nullptr && params.token_of_row != nullptr &&
                         params.row_of_choice != nullptr && params.tiles != nullptr && params.num_tiles != nullptr,
                     "expert sort: ids, offsets, token_of_row, row_of_choice, tiles or num_tiles is NULL");
  const int64_t choices = params.tokens * params.top_k;
  ExpertSortPlan plan = {};
  plan.threads = threads_for(choices > params.num_experts ? choices : params.num_experts, kMostThreads);
  // Each warp counts for itself.
  plan.shared_bytes = static_cast<size_t>(plan.threads / 32 * params.num_experts) * sizeof(int32_t);
  // Each touched expert has a tile, and each further one needs tile_rows rows more.
  const int64_t touched = choices < params.num_experts ? choices : params.num_experts;
  plan.most_tiles = touched + (choices - touched) / params.tile_rows;
  if (params.shared_expert) {
    plan.most_tiles += divide_up(params.tokens, params.tile_rows);
  }
  return plan;
}

}  // namespace msc::cuda
