#pragma once

#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"

namespace msc::cuda {

enum class GateRule : int32_t {
  kSwiglu,         // silu(gate) * up
  kGeluTanhGlu,    // gelu_tanh(gate) * up
  kSwigluClamped,  // g sigmoid(alpha g) (u + 1), g = min(gate, limit), u = clamp(up, -limit, limit) (GPT-OSS)
};

/// out[r, c] = rule(gate[r, c], up[r, c]); sums and exponentials in float32.
struct GateParams {
  ElementType type;  // of all three
  GateRule rule;
  float alpha;  // of kSwigluClamped
  float limit;
  int64_t rows;
  int64_t cols;
  const void* gate;
  int64_t gate_stride;  // elements from one row to the next
  const void* up;
  int64_t up_stride;
  void* out;  // may be gate or up
  int64_t out_stride;
};

/// Elements are independent, so the plan may follow all sizes.
struct GatePlan {
  unsigned blocks_of_row;
  unsigned threads;
  bool packed;  // 16 bytes at a time
};

/// Throws Error (bad argument) naming the field that is wrong.
GatePlan plan_gate(const GateParams& params);
void launch_gate(const GateParams& params, const GatePlan& plan, Stream stream);

}  // namespace msc::cuda
