#pragma once

#include <cstdint>

#include "core/batch.h"
#include "core/tensor.h"
#include "cpu/kv/kv_cache.h"

namespace msc::cpu {

/// table[t] = factor * (cosines, then sines) of position[t] * inv_freq[i].
void rope_table(msc_stream& stream, const msc_batch& batch, Matrix<const float> inv_freq, float factor,
                Matrix<float> table);

/// A checked msc_op_rope_append call.
struct RopeAppendTask {
  Matrix<float> q;
  Matrix<const float> k;
  Matrix<const float> v;
  const float* q_norm;  // [k_width] for each head, [q.cols] for all together, or NULL
  const float* k_norm;
  bool q_norm_is_whole;
  bool k_norm_is_whole;
  Matrix<const float> table;  // may be empty
  int64_t layer;
  int64_t num_q_heads;
  int32_t pairing;
  float norm_eps;
};

void rope_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache, const RopeAppendTask& task);

/// The kernels of one instruction-set level.
struct RopeKernels {
  /// out = rotate(norm(in)) of one head; out may be in. norm or table may be NULL; table holds d / 2 cosines, then sines.
  void (*head)(const float* in, int64_t width, const float* norm, float eps, const float* table, int64_t d,
               int32_t pairing, float* out);
  /// Writes a head's key and value at `slot` of a page's block; the value of a latent cache is not read.
  void (*append)(const KvLayout& layout, std::byte* block, int64_t slot, const float* key, const float* value);
};

const RopeKernels& rope_kernels(int32_t isa);
const RopeKernels& rope_kernels_portable();
const RopeKernels& rope_kernels_avx2();
const RopeKernels& rope_kernels_avx512();

}  // namespace msc::cpu
