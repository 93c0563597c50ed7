#pragma once

#include <cstddef>
#include <cstdint>

#include "moesaic/attention.h"

namespace msc::cpu {

/// Positions whose keys are interleaved, and columns of values that lie together.
inline constexpr int64_t kKvGroup = 16;

/// Where the elements of a page lie. A page holds, per layer and KV head, one block:
///   keys    [page_tokens / 16][k_width][16 positions]: lanes are positions, so that scores need no horizontal sums
///   values  [page_tokens / 16][padded v_width / 16][16 positions][16 columns]
///   scales  [page_tokens] float32 of the keys, then of the values (I8 alone)
/// Values that are a prefix of the keys (latent attention) are stored once, in rows:
///   keys    [page_tokens][k_width]
///   scales  [page_tokens] float32 of the prefix, then of the other channels (I8 alone)
/// and behind all blocks, per layer where routing is limited by capacity:
///   counts  [routed_experts] int32: choices that each expert took of the positions before the page
///   choices [page_tokens][routed_choices] int32: kept choices of the page's positions, -1 where dropped
struct KvLayout {
  int32_t format;
  int64_t num_layers;
  int64_t num_kv_heads;
  int64_t k_width;
  int64_t v_width;   // of a value; latent_width if there is one
  int64_t latent_width;  // 0: keys and values are stored apart
  int64_t v_padded;  // v_width rounded up to 16 columns; the padding stays zero
  int64_t page_tokens;
  int64_t num_pages;
  int64_t window;
  uint32_t group;
  uint64_t element_bytes;
  uint64_t v_offset;  // from the start of a head's block, in bytes
  uint64_t k_scale_offset;
  uint64_t v_scale_offset;
  uint64_t head_bytes;
  int64_t routed_experts;  // 0: no routing state
  int64_t routed_choices;
  uint64_t routing_offset;  // from the start of a page, in bytes
  uint64_t routing_bytes;   // of one layer
  uint64_t page_bytes;
  uint64_t total_bytes;

  [[gnu::always_inline]] bool is_latent() const { return latent_width > 0; }

  [[gnu::always_inline]] uint64_t block_offset(int64_t page, int64_t layer, int64_t head) const {
    return static_cast<uint64_t>(page) * page_bytes + static_cast<uint64_t>(layer * num_kv_heads + head) * head_bytes;
  }
};

/// Checks a description (Error names the field) and lays a page out.
KvLayout make_kv_layout(const msc_kv_cache_desc& desc);

}  // namespace msc::cpu
