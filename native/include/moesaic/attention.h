/* Paged KV cache, rotary embedding and attention. */
#ifndef MOESAIC_ATTENTION_H
#define MOESAIC_ATTENTION_H

#include "moesaic/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msc_kv_cache msc_kv_cache;

/** The cache of one layer group: layers whose pages have the same shape and share one page table.
 * A page holds page_tokens positions of all layers of the group. The layout inside a page is the device's own. */
typedef struct msc_kv_cache_desc {
  uint32_t struct_size;
  /** MSC_FORMAT_F32, MSC_FORMAT_BF16 or MSC_FORMAT_I8 (scale per token and head). */
  int32_t format;
  int64_t num_layers;
  int64_t num_kv_heads;
  /** Elements of one head's key. */
  int64_t k_width;
  /** Elements of one head's value; 0 when values are a prefix of the keys (latent attention). */
  int64_t v_width;
  /** With v_width 0: the first channels of a key that are its value too, fewer than k_width; num_kv_heads is 1 then.
   * Such a cache is filled with msc_op_latent_append. 0: keys and values are apart. */
  int64_t latent_width;
  /** Positions a page holds; a multiple of 16. */
  int64_t page_tokens;
  int64_t num_pages;
  /** Positions a layer of this group looks back on, itself included; 0: all. */
  int64_t window;
  /** Index of this group's page table in the batch. */
  uint32_t group;
  uint32_t reserved;
  /** Capacity-limited routing (msc_router_params.overflow): most experts of a layer and most choices of a token. A page
   * then also holds, per layer, what each expert took before the page and what its tokens chose. 0, 0: none. */
  int64_t routed_experts;
  int64_t routed_choices;
} msc_kv_cache_desc;

typedef struct msc_kv_cache_info {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t page_bytes;
  uint64_t total_bytes;
} msc_kv_cache_info;

MSC_API msc_status msc_kv_cache_create(msc_device* device, const msc_kv_cache_desc* desc, msc_kv_cache** cache);
MSC_API msc_status msc_kv_cache_destroy(msc_kv_cache* cache);
MSC_API msc_status msc_kv_cache_query(const msc_kv_cache* cache, msc_kv_cache_info* info);
/** Bytes of one page for a description, before anything is allocated. */
MSC_API msc_status msc_kv_cache_page_bytes(const msc_device* device, const msc_kv_cache_desc* desc, uint64_t* bytes);
/** Copies whole pages (all layers), for copy-on-write. @param host_source, host_target [num_pages] page numbers. */
MSC_API msc_status msc_kv_cache_copy_pages(msc_stream* stream, msc_kv_cache* cache, const int32_t* host_source,
                                           const int32_t* host_target, int64_t num_pages);

typedef enum msc_rope_pairing {
  /** (x[i], x[i + d/2]): weights of Hugging Face checkpoints. */
  MSC_ROPE_PAIRING_HALF_SPLIT = 0,
  /** (x[2i], x[2i + 1]): GGUF `llama`, DeepSeek. */
  MSC_ROPE_PAIRING_INTERLEAVED = 1
} msc_rope_pairing;

/** Cosines and sines of a batch: table[t, i] = factor * cos(position[t] * inv_freq[i]) for i < d/2, then the sines.
 * The angle is the float32 product, as the families' own code computes it (RoFormer, Su et al. 2021). */
typedef struct msc_rope_table_params {
  uint32_t struct_size;
  float factor;
  /** [1, d/2] */
  msc_tensor inv_freq;
  /** [T, d] */
  msc_tensor table;
} msc_rope_table_params;

/** QK-norm, rotary embedding and append to the cache, per token and head:
 * q = rope(norm(q)) in place; the cache receives rope(norm(k)) and v. */
typedef struct msc_rope_append_params {
  uint32_t struct_size;
  int32_t pairing;
  int64_t layer;
  int64_t num_q_heads;
  /** [T, num_q_heads * k_width], changed in place. */
  msc_tensor q;
  /** [T, num_kv_heads * k_width] */
  msc_tensor k;
  /** [T, num_kv_heads * v_width] */
  msc_tensor v;
  /** Optional RMSNorms before the rotation: [1, k_width] of each head by itself, or, as wide as q or k, of all heads of a
   * token together (OLMoE). */
  msc_tensor q_norm;
  msc_tensor k_norm;
  /** Optional [T, d], d <= k_width even: the first d channels of each head are rotated. */
  msc_tensor rope_table;
  float norm_eps;
  uint32_t reserved;
} msc_rope_append_params;

/** softmax(scale * q k^T + mask) v over the cached positions of each sequence, causal or bidirectional.
 * The keys and values that are seen must have been appended. Query head h reads KV head h / (q heads / KV heads).
 * Work is split over positions at fixed multiples that depend on a query's own position alone. */
typedef struct msc_attention_params {
  uint32_t struct_size;
  int32_t precision;
  int64_t layer;
  int64_t num_q_heads;
  /** [T, num_q_heads * k_width] */
  msc_tensor q;
  /** [T, num_q_heads * v_width]; latent_width for v_width over a latent cache. */
  msc_tensor out;
  float scale;
  /** tanh soft cap of the scores; 0: none. Not implemented yet: must be 0. */
  float softcap;
  /** Positions looked back on, itself included; 0: all. Must be 0 when bidirectional. */
  int64_t window;
  /** 1: a query sees the positions up to its own. 0: all positions below the batch's key length of the sequence in the
   * cache's group (msc_batch_desc), so an encoder's sequence must be whole in one batch. */
  int32_t causal;
  uint32_t reserved;
  /** Optional [1, num_q_heads]: a logit per head added to the softmax's denominator alone. Not over a latent cache. */
  msc_tensor sinks;
  /** Optional [num_q_heads, 2 D + 1], any D: added to the scaled score of a key at position j and a query at i is entry
   * clamp(j - i, -D, D) + D of the head's row (relative position bias of T5, its buckets expanded to distances). */
  msc_tensor bias;
} msc_attention_params;

MSC_API msc_status msc_op_rope_table(msc_stream* stream, const msc_batch* batch, const msc_rope_table_params* params);
MSC_API msc_status msc_op_rope_append(msc_stream* stream, const msc_batch* batch, msc_kv_cache* cache,
                                      const msc_rope_append_params* params);
MSC_API msc_status msc_op_attention(msc_stream* stream, const msc_batch* batch, const msc_kv_cache* cache,
                                    const msc_attention_params* params);

#ifdef __cplusplus
}
#endif
#endif
