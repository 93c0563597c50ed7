#pragma once

#include "cpu/vec/math.h"
#include "cpu/linear/gate_rule.h"
#include "moesaic/ops.h"

namespace msc::cpu {

/// g * sigmoid(alpha g) * (u + 1) with g = min(gate, limit), u = clamp(up, -limit, limit) (GPT-OSS). NaN stays NaN: a
/// minimum gives its second argument where either is one.
template <class S>
void clamped_gate_values(const GateRule& rule, float* gate, const float* up, int64_t count) {
  using Vec = typename S::Vec;
  const Vec one = S::set1(1.0f);
  const Vec limit = S::set1(rule.limit);
  const Vec minus_limit = S::set1(-rule.limit);
  const Vec minus_alpha = S::set1(-rule.alpha);
  for (int64_t i = 0; i < count; i += S::kLanes) {
    const Vec g = S::min(limit, S::load(gate + i));
    const Vec u = S::max(minus_limit, S::min(limit, S::load(up + i)));
    const Vec activated = S::div(g, S::add(one, exp_or_infinity<S>(S::mul(minus_alpha, g))));
    S::store(gate + i, S::mul(activated, S::add(u, one)));
  }
}

/// gate = gate * sigmoid(2 t) * up, where 2 t = gate for SiLU, and t = sqrt(2 / pi) (gate + 0.044715 gate^3) for
/// gelu_tanh, since (1 + tanh t) / 2 = sigmoid(2 t) (Hendrycks and Gimpel 2016).
template <class S>
void gate_values(const GateRule& rule, float* gate, const float* up, int64_t count) {
  using Vec = typename S::Vec;
  if (rule.epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED) {
    return clamped_gate_values<S>(rule, gate, up, count);
  }
  const Vec one = S::set1(1.0f);
  for (int64_t i = 0; i < count; i += S::kLanes) {
    const Vec x = S::load(gate + i);
    Vec minus_two_t = S::sub(S::zero(), x);
    if (rule.epilogue == MSC_EPILOGUE_GELU_TANH_GLU) {
      const Vec cubic = S::fma(S::mul(x, x), S::set1(-1.5957691216f * 0.044715f), S::set1(-1.5957691216f));
      minus_two_t = S::mul(cubic, x);
    }
    const Vec activated = S::div(x, S::add(one, exp_or_infinity<S>(minus_two_t)));
    S::store(gate + i, S::mul(activated, S::load(up + i)));
  }
}

}  // namespace msc::cpu
