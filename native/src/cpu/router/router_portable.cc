#include "cpu/router/kernel.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

void router_scores_portable(const float* logits, int64_t count, int32_t score, float* p) {
  router_scores_kernel<portable::Simd>(logits, count, score, p);
}

}  // namespace msc::cpu
