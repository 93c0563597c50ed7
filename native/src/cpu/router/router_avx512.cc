#include "cpu/router/kernel.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

void router_scores_avx512(const float* logits, int64_t count, int32_t score, float* p) {
  router_scores_kernel<avx512::Simd>(logits, count, score, p);
}

}  // namespace msc::cpu
