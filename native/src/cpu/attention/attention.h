#pragma once

#include <cstdint>

#include "core/batch.h"
#include "core/tensor.h"
#include "cpu/kv/kv_cache.h"

namespace msc::cpu {

/// A checked msc_op_attention call.
struct AttentionTask {
  Matrix<const float> q;  // [T, num_q_heads * k_width]
  Matrix<float> out;      // [T, num_q_heads * v_width]
  const float* sinks;     // [num_q_heads] or NULL
  Matrix<const float> bias;  // [num_q_heads, 2 D + 1] by relative distance, or without data
  int64_t layer;
  int64_t num_q_heads;
  int64_t window;
  bool causal;
  float scale;
};

/// Runs the whole batch; the page tables were checked.
void attention(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const AttentionTask& task);

}  // namespace msc::cpu
