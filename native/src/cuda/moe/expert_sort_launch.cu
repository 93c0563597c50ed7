#include "cuda/moe/expert_sort_kernel.h"

namespace msc::cuda {

void launch_expert_sort(const ExpertSortParams& params, const ExpertSortPlan& plan, Stream stream) {
  launch("expert_sort_kernel", expert_sort_kernel, Extent{1}, Extent{plan.threads}, plan.shared_bytes, stream, params);
}

}  // namespace msc::cuda
