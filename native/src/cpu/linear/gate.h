#pragma once

#include "cpu/vec/math.h"
#include "moesaic/ops.h"

namespace msc::cpu {

/// gate = gate * sigmoid(2 t) * up, where 2 t = gate for SiLU, and t = sqrt(2 / pi) (gate + 0.044715 gate^3) for
/// gelu_tanh, since (1 + tanh t) / 2 = sigmoid(2 t) (Hendrycks and Gimpel 2016).
template <class S>
void gate_values(int32_t epilogue, float* gate, const float* up, int64_t count) {
  using Vec = typename S::Vec;
  const Vec one = S::set1(1.0f);
  for (int64_t i = 0; i < count; i += S::kLanes) {
    const Vec x = S::load(gate + i);
    Vec minus_two_t = S::sub(S::zero(), x);
    if (epilogue == MSC_EPILOGUE_GELU_TANH_GLU) {
      const Vec cubic = S::fma(S::mul(x, x), S::set1(-1.5957691216f * 0.044715f), S::set1(-1.5957691216f));
      minus_two_t = S::mul(cubic, x);
    }
    const Vec activated = S::div(x, S::add(one, exp_or_infinity<S>(minus_two_t)));
    S::store(gate + i, S::mul(activated, S::load(up + i)));
  }
}

}  // namespace msc::cpu
