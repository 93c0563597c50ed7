#pragma once

#include <cstdint>

#include "cpu/vec/math.h"
#include "moesaic/ops.h"

namespace msc::cpu {

/// x * Phi(x), Phi the normal distribution (GELU, Hendrycks and Gimpel 2016), as relu(x) - |x| Phi(-|x|).
/// Phi(-a) = e^(-z^2) g(z) with z = a / sqrt(2), g = erfcx / 2; g is a polynomial in t = 1 / (1 + 0.45 z) that interpolates
/// at Chebyshev nodes for z up to 9.4 (relative error 2.5e-7 in float32), past which e^(-z^2) is 0. Absolute error of the
/// whole at most 1.1e-7 max(1, |x|).
template <class S>
typename S::Vec gelu(typename S::Vec x) {
  using Vec = typename S::Vec;
  const Vec zero = S::zero();
  const Vec magnitude = S::min(S::set1(64.0f), S::max(S::sub(zero, x), x));
  const Vec z = S::mul(magnitude, S::set1(0.70710678f));
  const Vec t = S::div(S::set1(1.0f), S::fma(S::set1(0.45f), z, S::set1(1.0f)));
  Vec g = S::fma(S::set1(-0.014890806749463081f), t, S::set1(0.06443612277507782f));
  g = S::fma(g, t, S::set1(-0.07943116128444672f));
  g = S::fma(g, t, S::set1(-0.020328175276517868f));
  g = S::fma(g, t, S::set1(0.06198869273066521f));
  g = S::fma(g, t, S::set1(0.02256188541650772f));
  g = S::fma(g, t, S::set1(0.09982341527938843f));
  g = S::fma(g, t, S::set1(0.1116979569196701f));
  g = S::fma(g, t, S::set1(0.12721210718154907f));
  g = S::fma(g, t, S::set1(0.12692996859550476f));
  const Vec tail = S::mul(S::mul(g, t), exp<S>(S::sub(zero, S::mul(z, z))));
  return S::sub(S::max(zero, x), S::mul(magnitude, tail));
}

/// x * sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3), since (1 + tanh u) / 2 = sigmoid(2 u).
template <class S>
typename S::Vec gelu_tanh(typename S::Vec x) {
  using Vec = typename S::Vec;
  const Vec minus_two_u =
      S::mul(S::fma(S::mul(x, x), S::set1(-1.5957691216f * 0.044715f), S::set1(-1.5957691216f)), x);
  return S::div(x, S::add(S::set1(1.0f), exp_or_infinity<S>(minus_two_u)));
}

/// values = act(values), act by the epilogues without a gate; count is a multiple of the lanes.
template <class S>
void activate_values(int32_t epilogue, float* values, int64_t count) {
  if (epilogue == MSC_EPILOGUE_GELU_TANH) {
    for (int64_t i = 0; i < count; i += S::kLanes) {
      S::store(values + i, gelu_tanh<S>(S::load(values + i)));
    }
    return;
  }
  if (epilogue == MSC_EPILOGUE_RELU) {
    for (int64_t i = 0; i < count; i += S::kLanes) {
      // The second operand comes through where either is NaN.
      S::store(values + i, S::max(S::zero(), S::load(values + i)));
    }
    return;
  }
  for (int64_t i = 0; i < count; i += S::kLanes) {
    S::store(values + i, gelu<S>(S::load(values + i)));
  }
}

}  // namespace msc::cpu
