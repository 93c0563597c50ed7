#pragma once

#include "core/batch.h"
#include "core/tensor.h"
#include "cpu/kv/kv_cache.h"

namespace msc::cpu {

/// A checked msc_op_latent_append call.
struct LatentAppendTask {
  Matrix<const float> q;       // [T, num_q_heads * q_width]
  Matrix<float> rotated;       // [T, num_q_heads * rotated_width]
  Matrix<const float> kv;      // [T, k_width]
  Matrix<const float> table;   // [T, k_width - latent_width]
  const float* norm_weight;    // [latent_width]
  int64_t layer;
  int64_t num_q_heads;
  int32_t pairing;
  float norm_eps;
};

void latent_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache, const LatentAppendTask& task);

}  // namespace msc::cpu
