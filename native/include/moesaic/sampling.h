/* Sampling: penalties, mask, temperature, filters and the draw. See src/decisions/sampling.md for order and draw rule. */
#ifndef MOESAIC_SAMPLING_H
#define MOESAIC_SAMPLING_H

#include "moesaic/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How often a token occurred in the sequence so far. */
typedef struct msc_token_count {
  int32_t id;
  /** Occurrences in generated text (presence and frequency penalties count these). */
  int32_t generated;
  /** Occurrences in prompt and generated text (the repetition penalty asks whether this is > 0). */
  int32_t total;
} msc_token_count;

typedef struct msc_token_bias {
  int32_t id;
  float bias;
} msc_token_bias;

/** How one row is drawn. Neutral values switch a step off. */
typedef struct msc_sampling_row {
  uint32_t struct_size;
  /** <= 0: greedy (argmax, lowest id on a tie). */
  float temperature;
  /** 0: off. */
  int32_t top_k;
  /** 1: off; in (0, 1]. */
  float top_p;
  /** 0: off; in [0, 1). */
  float min_p;
  /** 1: off; > 0. */
  float repetition_penalty;
  /** 0: off. */
  float presence_penalty;
  float frequency_penalty;
  /** Key of the draw: Philox4x32-10 of (seed, sample_index, position). */
  uint64_t seed;
  uint32_t sample_index;
  uint32_t num_token_counts;
  uint64_t position;
  /** Sorted by id, no id twice. */
  const msc_token_count* host_token_counts;
  const msc_token_bias* host_biases;
  /** Optional bit mask of (vocab + 31) / 32 words: token i may be drawn iff bit i % 32 of word i / 32 is set. */
  const uint32_t* host_mask;
  uint32_t num_biases;
  uint32_t reserved;
} msc_sampling_row;

typedef struct msc_sample_params {
  uint32_t struct_size;
  /** Alternatives to report per row, 0 to 128, by descending raw log-probability. */
  uint32_t num_top_logprobs;
  /** [R, padded vocabulary] float32; not changed. */
  msc_tensor logits;
  /** Columns that are tokens; the rest is padding and never drawn or counted. */
  int64_t vocab_size;
  /** [R] */
  const msc_sampling_row* host_rows;
  /** [R, 1] int32: the drawn token. */
  msc_tensor ids;
  /** [R, 1]: log-probability of the drawn token under the raw logits. */
  msc_tensor logprobs;
  /** [R, num_top_logprobs] int32 and float32; absent when num_top_logprobs is 0. */
  msc_tensor top_ids;
  msc_tensor top_logprobs;
} msc_sample_params;

/** logprobs[r] = log_softmax(logits[r])[targets[r]] over the first vocab_size columns. */
typedef struct msc_token_logprobs_params {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t vocab_size;
  /** [R, padded vocabulary] */
  msc_tensor logits;
  /** [R, 1] int32 */
  msc_tensor targets;
  /** [R, 1] */
  msc_tensor logprobs;
} msc_token_logprobs_params;

/** A row whose mask or biases leave no token to draw fails with MSC_STATUS_REQUEST_FAILED and names the row. */
MSC_API msc_status msc_op_sample(msc_stream* stream, const msc_sample_params* params);
MSC_API msc_status msc_op_token_logprobs(msc_stream* stream, const msc_token_logprobs_params* params);

#ifdef __cplusplus
}
#endif
#endif
