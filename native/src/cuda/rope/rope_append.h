#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"
#include "cuda/rope/kv_pages.h"

namespace msc::cuda {

/// QK-norm (RMSNorm of each head by itself), rotary embedding (RoFormer, Su et al. 2021) and append to the cache:
/// q = rope(norm(q)) in place; the page of each token's position receives rope(norm(k)) and v.
/// 8-bit caches have a scale per token and head: largest magnitude / 127 or / 448, NaN where an element is not finite.
struct RopeAppendParams {
  ElementType type;  // of q, k and v
  bool interleaved;  // pairs (x[2i], x[2i + 1]); else (x[i], x[i + d/2])
  float norm_eps;
  int64_t tokens;
  int64_t num_q_heads;
  int64_t layer;
  int64_t rotated;        // d: the first d channels of a head are rotated; 0: none
  void* q;                // [tokens, num_q_heads * k_width], changed in place
  int64_t q_stride;       // elements from one token to the next
  const void* k;          // [tokens, num_kv_heads * k_width]
  int64_t k_stride;
  const void* v;          // [tokens, num_kv_heads * v_width]
  int64_t v_stride;
  const float* q_norm;    // [k_width] or NULL
  const float* k_norm;    // [k_width] or NULL
  const float* table;     // [tokens, d]: cosines, then sines; NULL when nothing is rotated
  int64_t table_stride;
  const int32_t* positions;        // [tokens]
  const int32_t* token_sequences;  // [tokens]: row of the page table
  const int32_t* page_table;       // [sequences, page_table_stride] page numbers, checked by the host
  int64_t page_table_stride;
  void* cache;
  KvPages pages;
};

/// A warp owns one head of one token, whatever else is in the batch.
struct RopeAppendPlan {
  unsigned blocks_of_token;
  size_t shared_bytes;
};

inline constexpr unsigned kRopeWarps = 4;  // of a block

/// Throws Error (bad argument) naming the field that is wrong.
RopeAppendPlan plan_rope_append(const RopeAppendParams& params);
void launch_rope_append(const RopeAppendParams& params, const RopeAppendPlan& plan, Stream stream);

}  // namespace msc::cuda
