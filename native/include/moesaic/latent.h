/* Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).
 *
 * A token's keys and values of all heads are linear maps of one latent c; beside it lies one rotated key r that all heads
 * share. The cache holds [c | r] alone: msc_kv_cache_desc with v_width 0, latent_width = |c|, k_width = |c| + |r|.
 *   k_h = [K_h c | r], v_h = V_h c, q_h = [n_h | rotated]
 * Absorbed form:  msc_op_head_linear gives K_h^T n_h, msc_op_attention attends to the latents themselves,
 *                 msc_op_head_linear applies V_h to what it returns.
 * Expanded form:  msc_op_latent_expanded computes k_h and v_h of every visible position anew, then attends.
 * In exact arithmetic both are the same; their rounding differs. */
#ifndef MOESAIC_LATENT_H
#define MOESAIC_LATENT_H

#include "moesaic/attention.h"
#include "moesaic/weight.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Rotates the queries' last d channels and appends [norm(c) | rotated r] to the cache; d = k_width - latent_width. */
typedef struct msc_latent_append_params {
  uint32_t struct_size;
  /** msc_rope_pairing */
  int32_t pairing;
  int64_t layer;
  int64_t num_q_heads;
  /** [T, num_q_heads * w], w >= d */
  msc_tensor q;
  /** [T, num_q_heads * u], u >= d: the last d channels of each head receive the rotated ones of q. q itself, or apart
   * from it. */
  msc_tensor rotated;
  /** [T, k_width]: c as projected, then r. */
  msc_tensor kv;
  /** [1, latent_width]: RMSNorm of c. */
  msc_tensor norm_weight;
  /** [T, d] */
  msc_tensor rope_table;
  float norm_eps;
  uint32_t reserved;
} msc_latent_append_params;

/** y[m, h] = W_h x[m, h]: a linear map a head. Row m of the output depends on row m of the input alone. */
typedef struct msc_head_linear_params {
  uint32_t struct_size;
  int32_t precision;
  /** One matrix [rows, cols] a head, as the experts of a stack; sealed. */
  const msc_weight* weight;
  /** [M, heads * w], w >= cols: of each head's channels the first `cols` are read. */
  msc_tensor input;
  /** [M, heads * u], u >= rows: of each head's channels the first `rows` are written. Apart from the input. */
  msc_tensor out;
} msc_head_linear_params;

/** The expanded form over a latent cache: softmax(scale * q k^T) v, causal, keys and values computed per head. */
typedef struct msc_latent_expanded_params {
  uint32_t struct_size;
  int32_t precision;
  int64_t layer;
  int64_t num_q_heads;
  /** [T, num_q_heads * (n + d)]: per head the channels of K_h, then the rotated ones. */
  msc_tensor q;
  /** K: num_q_heads matrices [n, latent_width]. */
  const msc_weight* key;
  /** V: num_q_heads matrices [v, latent_width]. */
  const msc_weight* value;
  /** [T, num_q_heads * v] */
  msc_tensor out;
  float scale;
  uint32_t reserved;
} msc_latent_expanded_params;

MSC_API msc_status msc_op_latent_append(msc_stream* stream, const msc_batch* batch, msc_kv_cache* cache,
                                        const msc_latent_append_params* params);
MSC_API msc_status msc_op_head_linear(msc_stream* stream, const msc_head_linear_params* params);
MSC_API msc_status msc_op_latent_expanded(msc_stream* stream, const msc_batch* batch, const msc_kv_cache* cache,
                                          const msc_latent_expanded_params* params);

#ifdef __cplusplus
}
#endif
#endif
