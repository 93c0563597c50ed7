#include <algorithm>
#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/rope/rope_append.h"

namespace msc::cuda {

RopeAppendPlan plan_rope_append(const RopeAppendParams& params) {
  const KvPages& pages = params.pages;
  check_range(params.num_q_heads, 1, 1 << 16, "rope: num_q_heads");
  check_range(params.layer, 0, pages.num_layers - 1, "rope: layer");
  MSC_CHECK_ARGUMENT(params.rotated >= 0 && params.rotated <= pages.k_width && params.rotated % 2 == 0,
                     "rope: %lld rotated channels of heads %lld wide, must be even and no more than the width",
                     static_cast<long long>(params.rotated), static_cast<long long>(pages.k_width));
  MSC_CHECK_ARGUMENT((params.rotated == 0) == (params.table == nullptr), "rope: a table goes with rotated channels and only with them");
  MSC_CHECK_ARGUMENT(std::isfinite(params.norm_eps) && params.norm_eps >= 0.0f, "rope: norm_eps is %g, must be finite and not negative",
                     static_cast<double>(params.norm_eps));
  MSC_CHECK_ARGUMENT(params.q != nullptr && params.k != nullptr && params.v != nullptr && params.cache != nullptr &&
                         params.positions != nullptr && params.token_sequences != nullptr && params.page_table != nullptr,
                     "rope: q, k, v, cache, positions, token_sequences or page_table is NULL");
  RopeAppendPlan plan = {};
  const int64_t jobs = params.num_q_heads + 2 * pages.num_kv_heads;
  plan.blocks_of_token = static_cast<unsigned>(divide_up(jobs, kRopeWarps));
  check_range(params.tokens, 1, kMaxGrid / plan.blocks_of_token, "rope: tokens");
  plan.shared_bytes = static_cast<size_t>(std::max(pages.k_width, pages.v_width)) * kRopeWarps * sizeof(float);
  return plan;
}

}  // namespace msc::cuda
