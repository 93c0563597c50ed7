#pragma once

#include <cstdint>

namespace msc::cpu {

/// Sum of f(x) over a row: four vectors and a scalar tail, so the order depends on `count` alone.
template <class S, class F, class G>
float sum_row(const float* in, int64_t count, F&& vector, G&& scalar) {
  using Vec = typename S::Vec;
  constexpr int64_t kStep = 4 * S::kLanes;
  Vec sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    for (int v = 0; v < 4; ++v) {
      sums[v] = vector(sums[v], S::load(in + i + v * S::kLanes));
    }
  }
  for (; i + S::kLanes <= count; i += S::kLanes) {
    sums[0] = vector(sums[0], S::load(in + i));
  }
  float sum = S::reduce_add(S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])));
  for (; i < count; ++i) {
    sum = scalar(sum, in[i]);
  }
  return sum;
}

/// LayerNorm (Ba, Kiros and Hinton 2016) of one row: the mean first, then the squares of what lies beside it, so that a
/// large mean costs no digits of the variance.
template <class S>
void layer_norm_kernel(const float* in, const float* weight, const float* bias, int64_t count, float eps, float* out) {
  using Vec = typename S::Vec;
  const auto width = static_cast<float>(count);
  const float mean = sum_row<S>(
                         in, count, [](Vec sum, Vec x) { return S::add(sum, x); },
                         [](float sum, float x) { return sum + x; }) /
                     width;
  const Vec means = S::set1(mean);
  const float squares = sum_row<S>(
      in, count,
      [&](Vec sum, Vec x) {
        const Vec d = S::sub(x, means);
        return S::fma(d, d, sum);
      },
      [&](float sum, float x) { return sum + (x - mean) * (x - mean); });
  const float inverse = 1.0f / __builtin_sqrtf(squares / width + eps);
  const Vec factor = S::set1(inverse);
  int64_t i = 0;
  for (; i + S::kLanes <= count; i += S::kLanes) {
    const Vec normed = S::mul(S::sub(S::load(in + i), means), factor);
    const Vec scaled = S::mul(S::load(weight + i), normed);
    S::store(out + i, bias == nullptr ? scaled : S::add(scaled, S::load(bias + i)));
  }
  for (; i < count; ++i) {
    const float scaled = weight[i] * ((in[i] - mean) * inverse);
    out[i] = bias == nullptr ? scaled : scaled + bias[i];
  }
}

}  // namespace msc::cpu
