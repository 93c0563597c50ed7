#pragma once

#include <cstdint>

#include "cpu/router/router.h"
#include "cpu/vec/math.h"

namespace msc::cpu {

/// Sixteen lanes at a time, the last ones filled with -infinity, so that the sum's order depends on `count` alone.
template <class S>
void router_scores_kernel(const float* logits, int64_t count, int32_t score, float* p) {
  using Vec = typename S::Vec;
  const int64_t padded = (count + 15) / 16 * 16;
  for (int64_t i = 0; i < padded; ++i) {
    p[i] = i < count ? logits[i] : -__builtin_inff();
  }
  const Vec one = S::set1(1.0f);
  if (score == MSC_ROUTER_SCORE_SIGMOID) {
    for (int64_t i = 0; i < padded; i += S::kLanes) {
      S::store(p + i, S::div(one, S::add(one, exp_or_infinity<S>(S::sub(S::zero(), S::load(p + i))))));
    }
    return;
  }
  Vec top = S::set1(-__builtin_inff());
  for (int64_t i = 0; i < padded; i += S::kLanes) {
    top = S::max(S::load(p + i), top);
  }
  const Vec greatest = S::set1(S::reduce_max(top));
  Vec sums = S::zero();
  for (int64_t i = 0; i < padded; i += S::kLanes) {
    const Vec e = exp<S>(S::sub(S::load(p + i), greatest));
    sums = S::add(sums, e);
    S::store(p + i, e);
  }
  const Vec sum = S::set1(S::reduce_add(sums));
  for (int64_t i = 0; i < padded; i += S::kLanes) {
    S::store(p + i, S::div(S::load(p + i), sum));
  }
}

}  // namespace msc::cpu
