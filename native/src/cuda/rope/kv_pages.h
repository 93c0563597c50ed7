#pragma once

#include <cstdint>

namespace msc::cuda {

enum class KvType : int32_t { kBf16, kF8E4M3, kI8 };

/// Where the elements of a page lie on a GPU. A page holds, per layer and KV head, one block that a tensor copy or
/// consecutive 16-byte loads can stream:
///   keys    [page_tokens][k_width]
///   values  [page_tokens][v_width]
///   scales  [page_tokens] float32 of the keys, then of the values (8-bit types alone)
struct KvPages {
  KvType type;
  int64_t num_layers;
  int64_t num_kv_heads;
  int64_t k_width;
  int64_t v_width;
  int64_t page_tokens;
  int64_t v_offset;  // from the start of a head's block, in bytes; all offsets are multiples of 128
  int64_t k_scale_offset;
  int64_t v_scale_offset;
  int64_t head_bytes;
  int64_t page_bytes;
};

/// Throws Error (bad argument) naming the field that is wrong: widths up to 1024, pages of 16 to 65536 tokens, a multiple
/// of 16.
KvPages lay_out_kv_pages(KvType type, int64_t num_layers, int64_t num_kv_heads, int64_t k_width, int64_t v_width,
                         int64_t page_tokens);

}  // namespace msc::cuda
