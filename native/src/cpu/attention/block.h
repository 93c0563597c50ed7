#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/kv/layout.h"

namespace msc::cpu {

/// Positions whose softmax is computed as one unit, at multiples of the absolute position. A query's result is the fold
/// of its chunks from left to right, whoever computes them: see src/decisions/batch-invariance.md.
inline constexpr int64_t kAttentionChunk = 256;

// Functions that code of several levels shares are always inlined: a copy that one level's file emitted could run on a
// processor that lacks that level.

/// Queries of consecutive tokens of one sequence against one KV head, over the chunks [chunk_begin, chunk_end).
/// Row r is query head r % group_size of token r / group_size.
struct AttentionBlock {
  const float* q;  // first row; heads lie k_width apart
  int64_t q_token_stride;
  int64_t num_tokens;
  int64_t group_size;
  int64_t first_position;  // of token 0
  int64_t window;          // 0: all
  int64_t num_keys;        // > 0: bidirectional, every row sees the positions below; 0: causal
  float scale;
  const KvLayout* layout;
  const std::byte* cache;  // block of (page 0, this layer, this KV head)
  const int32_t* pages;    // the sequence's page table
  int64_t chunk_begin;
  int64_t chunk_end;
  float* out;  // first row; heads lie v_width apart
  int64_t out_token_stride;
  const float* sinks;  // [group_size] or NULL
  const float* bias;   // NULL, or of the first head: [2 bias_reach + 1] by clamped distance from query to key
  int64_t bias_stride;  // from one head to the next
  int64_t bias_reach;
  /// NULL: chunks are folded and `out` is written. Else [chunk - first chunk of the block][row][partial_stride]:
  /// weighted values, then maximum and sum.
  float* partials;
  int64_t partials_first_chunk;
  float* scratch;  // AttentionKernels::scratch_floats
  /// A block run in several calls over ascending chunks, of keys and values (not latents), all with the same scratch:
  /// this call goes on where the last ended; there will be another.
  bool continues;
  bool unfinished;

  [[gnu::always_inline]] int64_t num_rows() const { return num_tokens * group_size; }
};

[[gnu::always_inline]] inline int64_t partial_stride(const KvLayout& layout) { return layout.v_padded + 16; }

/// What is added to the scores of one row in one chunk; nothing without values.
struct RowBias {
  const float* values;  // [2 reach + 1]
  int64_t reach;
  int64_t distance;  // from the query to the chunk's first position
};
[[gnu::always_inline]] inline RowBias row_bias(const AttentionBlock& block, int64_t row, int64_t chunk) {
  if (block.bias == nullptr) {
    return {nullptr, 0, 0};
  }
  return {block.bias + row % block.group_size * block.bias_stride, block.bias_reach,
          chunk * kAttentionChunk - (block.first_position + row / block.group_size)};
}

/// Positions of `chunk` that token `token` of the block sees, relative to the chunk's start; empty if begin >= end.
struct VisibleRange {
  int64_t begin;
  int64_t end;
};
[[gnu::always_inline]] inline VisibleRange visible_range(const AttentionBlock& block, int64_t token, int64_t chunk) {
  const int64_t position = block.first_position + token;
  const int64_t start = chunk * kAttentionChunk;
  int64_t begin = block.window > 0 ? position - block.window + 1 - start : 0;
  int64_t end = (block.num_keys > 0 ? block.num_keys : position + 1) - start;
  begin = begin < 0 ? 0 : begin;
  end = end > kAttentionChunk ? kAttentionChunk : end;
  return {begin, end};
}

/// The kernels of one instruction-set level, for caches of keys and values or for latent ones.
struct AttentionKernels {
  int64_t max_block_rows;  // rows that keep the micro-tiles busy; more only if one token alone has more
  int64_t head_tile;       // rows of a token are padded to a multiple of this
  int64_t (*scratch_floats)(const KvLayout& layout, int64_t num_tokens, int64_t group_size);
  /// Of one chunk's partials.
  int64_t (*partial_floats)(const KvLayout& layout, int64_t num_tokens, int64_t group_size);
  void (*run)(const AttentionBlock& block);
  /// Folds the partials of the block's whole chunk range and writes `out`; scratch as for run.
  void (*combine)(const AttentionBlock& block);
};

const AttentionKernels& attention_kernels(int32_t isa);
const AttentionKernels& attention_kernels_portable();
const AttentionKernels& attention_kernels_avx2();
const AttentionKernels& attention_kernels_avx512();

/// Over a latent cache: any heads of the queries, all against the one head of the cache.
const AttentionKernels& latent_kernels(int32_t isa);
const AttentionKernels& latent_kernels_portable();
const AttentionKernels& latent_kernels_avx2();
const AttentionKernels& latent_kernels_avx512();

}  // namespace msc::cpu
