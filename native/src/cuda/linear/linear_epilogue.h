#pragma once

#include "cuda/device/element.h"
#include "cuda/gate/gate_rule.h"
#include "cuda/linear/linear_pair.h"

namespace msc::cuda {

__device__ __forceinline__ float with_bias(const LinearTarget& target, int expert, int feature, float y) {
  return target.bias == nullptr ? y : y + target.bias[expert * target.layout.rows + feature];
}

__device__ __forceinline__ float activated(LinearEpilogue epilogue, float y) {
  switch (epilogue) {
    case LinearEpilogue::kGelu:
      return 0.5f * y * (1.0f + erff(y * 0.70710678118654752f));
    case LinearEpilogue::kGeluTanh:
      return gated<GateRule::kGeluTanhGlu>(y, 1.0f, 0.0f, 0.0f);
    case LinearEpilogue::kRelu:
      return y > 0.0f ? y : y == y ? 0.0f : y;
    default:
      return y;
  }
}

__device__ __forceinline__ float gated_by(const LinearParams& params, float gate, float up) {
  switch (params.epilogue) {
    case LinearEpilogue::kGeluTanhGlu:
      return gated<GateRule::kGeluTanhGlu>(gate, up, 0.0f, 0.0f);
    case LinearEpilogue::kSwigluClamped:
      return gated<GateRule::kSwigluClamped>(gate, up, params.alpha, params.limit);
    default:
      return gated<GateRule::kSwiglu>(gate, up, 0.0f, 0.0f);
  }
}

__device__ __forceinline__ void put(const LinearParams& params, const LinearTarget& target, int row, int feature, float y) {
  const int64_t at = row * target.out_stride + feature;
  const bool add = params.epilogue == LinearEpilogue::kAdd;
  if (params.out_type == ElementType::kF32) {
    float* const out = static_cast<float*>(target.out) + at;
    *out = add ? *out + y : y;
  } else {
    Bf16* const out = static_cast<Bf16*>(target.out) + at;
    store(out, add ? load(out) + y : y);
  }
}

/// Writes what comes of both tiles of a pair for one row of the product and row `r` of the tiles.
__device__ __forceinline__ void finish(const LinearParams& params, const WeightPair& pair, const RowBlock& rows, int row, int r,
                                       float first, float second) {
  const LinearTarget& target = *pair.targets[0];
  const LinearTarget& other = *pair.targets[1];
  const int feature = pair.tiles[0] * kTileRows + r;
  const int other_feature = pair.tiles[1] * kTileRows + r;
  if (is_gated(params.epilogue)) {
    if (feature < target.layout.rows) {
      put(params, target, row, feature,
          gated_by(params, with_bias(target, rows.expert, feature, first), with_bias(other, rows.expert, feature, second)));
    }
    return;
  }
  if (feature < target.layout.rows) {
    put(params, target, row, feature, activated(params.epilogue, with_bias(target, rows.expert, feature, first)));
  }
  if (other_feature < other.layout.rows) {
    put(params, other, row, other_feature, activated(params.epilogue, with_bias(other, rows.expert, other_feature, second)));
  }
}

}  // namespace msc::cuda
