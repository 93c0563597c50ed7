#pragma once

#include <cstdint>

namespace msc::cpu {

/// RMSNorm (Zhang and Sennrich 2019) of one row, stored or added to `out`. The squares are summed in four vectors and a
/// scalar tail, so the order depends on `count` alone.
template <class S, bool kAdd = false>
void rms_norm_kernel(const float* in, const float* weight, int64_t count, float eps, float* out) {
  using Vec = typename S::Vec;
  constexpr int64_t kStep = 4 * S::kLanes;
  Vec sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    for (int v = 0; v < 4; ++v) {
      const Vec x = S::load(in + i + v * S::kLanes);
      sums[v] = S::fma(x, x, sums[v]);
    }
  }
  for (; i + S::kLanes <= count; i += S::kLanes) {
    const Vec x = S::load(in + i);
    sums[0] = S::fma(x, x, sums[0]);
  }
  float sum = S::reduce_add(S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])));
  for (; i < count; ++i) {
    sum += in[i] * in[i];
  }
  const float inverse = 1.0f / __builtin_sqrtf(sum / static_cast<float>(count) + eps);
  const Vec factor = S::set1(inverse);
  for (i = 0; i + S::kLanes <= count; i += S::kLanes) {
    const Vec normed = S::mul(S::load(weight + i), S::mul(S::load(in + i), factor));
    S::store(out + i, kAdd ? S::add(S::load(out + i), normed) : normed);
  }
  for (; i < count; ++i) {
    const float normed = weight[i] * (in[i] * inverse);
    out[i] = kAdd ? out[i] + normed : normed;
  }
}

}  // namespace msc::cpu
