#pragma once

#include "cuda/gate/gate.h"
#include "cuda_target.h"

namespace msc::cuda {

/// `alpha` and `limit`: of kSwigluClamped.
template <GateRule kRule>
__device__ __forceinline__ float gated(float gate, float up, float alpha, float limit) {
  if constexpr (kRule == GateRule::kSwiglu) {
    return gate / (1.0f + expf(-gate)) * up;
  } else if constexpr (kRule == GateRule::kGeluTanhGlu) {
    constexpr float kRootTwoOverPi = 0.7978845608028654f;
    const float inner = kRootTwoOverPi * (gate + 0.044715f * gate * gate * gate);
    return 0.5f * gate * (1.0f + tanhf(inner)) * up;
  } else {
    const float g = fminf(gate, limit);
    const float u = fmaxf(-limit, fminf(up, limit));
    return g / (1.0f + expf(-alpha * g)) * (u + 1.0f);
  }
}

}  // namespace msc::cuda
