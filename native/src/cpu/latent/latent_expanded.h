#pragma once

#include "core/batch.h"
#include "core/tensor.h"
#include "cpu/kv/kv_cache.h"
#include "cpu/weight/weight.h"

namespace msc::cpu {

/// A checked msc_op_latent_expanded call.
struct LatentExpandedTask {
  Matrix<const float> q;     // [T, num_q_heads * (n + d)]
  Matrix<float> out;         // [T, num_q_heads * v]
  const msc_weight* key;     // num_q_heads x [n, latent_width]
  const msc_weight* value;   // num_q_heads x [v, latent_width]
  int64_t layer;
  int64_t num_q_heads;
  int32_t precision;
  float scale;
};

/// Runs the whole batch; the page tables were checked.
void latent_expanded(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const LatentExpandedTask& task);

}  // namespace msc::cpu
