#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"
#include "cuda/rope/kv_pages.h"

namespace msc::cuda {

/// Positions whose softmax is one part of a row's result, at multiples of the absolute position. A row's result is the fold
/// of its parts from the first to the last, whoever computes them: src/decisions/cuda-attention.md.
inline constexpr int kAttentionSplit = 256;

/// A piece of work: rows of queries against positions of one KV head. Row r is query head first_head + r % heads of token
/// first_token + r / heads; a token is one of a sequence, whose positions are consecutive.
struct AttentionItem {
  int32_t sequence;        // row of the page table
  int32_t first_token;     // row of q and out
  int32_t num_rows;        // at most kWarpRows or kBlockRows
  int32_t heads;           // query heads of a token
  int32_t first_head;
  int32_t kv_head;
  int32_t first_position;  // of first_token
  int32_t num_keys;        // > 0: every row sees the positions below; 0: causal
  int32_t key_begin;       // [key_begin, key_end): positions that some row sees; others are not read
  int32_t key_end;
  int32_t partial_row;     // where the parts go, num_rows to a split; -1: the item is whole and writes out
  int32_t tree_base;       // position of the sequence's first token in this batch
};

/// What lies on the device for one step; made by AttentionSchedule. Workers of a list take items
/// [begin[w], begin[w + 1]).
struct AttentionWork {
  const AttentionItem* warp_items;  // at most kWarpRows rows in one split, for a warp each
  const int32_t* warp_begin;
  const AttentionItem* block_items;  // at most kBlockRows rows, for a block each
  const int32_t* block_begin;
  const AttentionItem* combine_items;  // whose parts are folded: all positions of its rows
  const int32_t* combine_begin;
  float* partials;    // [rows of all splits, v_width]
  float* partial_of;  // [rows of all splits, 2]: largest exponent and sum
};

/// out = softmax(scale * q k^T + bias) v over the pages of each sequence, as the CPU's op of the same name. Products are
/// of bfloat16 with float32 sums: q, keys and softmax weights are rounded to it, 8-bit keys and values are exact and take
/// their scales in float32. Query head h reads KV head h / (q heads / KV heads).
struct AttentionParams {
  ElementType type;  // of q and out
  int64_t num_q_heads;
  int64_t layer;
  const void* q;     // [tokens, num_q_heads * k_width]
  int64_t q_stride;  // elements from one token to the next
  void* out;         // [tokens, num_q_heads * v_width]
  int64_t out_stride;
  float scale;
  float softcap;        // scores become softcap * tanh(score / softcap); 0: none
  int64_t window;       // positions looked back on, itself included; 0: all
  const float* sinks;   // [num_q_heads]: a logit that joins the denominator alone; or NULL
  const float* bias;    // [num_q_heads, 2 reach + 1]: added for a key at j and a query at i is entry
  int64_t bias_stride;  //   clamp(j - i, -reach, reach) + reach; or NULL
  int64_t bias_reach;
  const uint64_t* tree;  // [tokens] or NULL: of the tokens of its sequence in this batch, which a token sees (bit 0: the
                         //   first, at most 64; itself included), beside all positions before them
  const int32_t* page_table;  // [sequences, page_table_stride] page numbers, checked by the host
  int64_t page_table_stride;
  const void* cache;
  KvPages pages;
  AttentionWork work;
};

inline constexpr int kWarpRows = 16;
inline constexpr int kMaxWarps = 8;  // of a block that takes warp items
inline constexpr int kBlockRows = 64;
inline constexpr int kBlockWarps = 4;
inline constexpr int kCombineWarps = 4;

/// What can be moved 16 bytes at a time; results are the same.
struct Packed {
  bool queries;
  bool pages;
};

/// From widths and types alone; the same rows give the same bits under every plan of their shape.
struct AttentionPlan {
  int k_tile;   // channels a tile has room for
  int v_tile;
  Packed packed;
  unsigned warps_of_block;  // that take warp items
  size_t warp_bytes;        // shared memory of one of them
  size_t block_bytes;       // shared memory of a block that takes block items
  unsigned blocks_of_processor;  // of those, that a processor holds at once
};

/// Throws Error (bad argument) naming the field that is wrong.
AttentionPlan plan_attention(const AttentionParams& params);

/// How many blocks a launch has: fixed for a device, so that a captured graph runs any batch.
struct AttentionGrid {
  unsigned warp_blocks;  // 0: no such work
  unsigned block_blocks;
  unsigned combine_blocks;
};
/// Workers are warp_blocks * warps_of_block, block_blocks and combine_blocks.
void launch_attention(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream);

}  // namespace msc::cuda
