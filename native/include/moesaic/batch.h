/* A ragged batch: what one step runs. One sequence is a batch of one. */
#ifndef MOESAIC_BATCH_H
#define MOESAIC_BATCH_H

#include "moesaic/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msc_batch msc_batch;

/** Upper bounds; memory for them is taken once, at creation. */
typedef struct msc_batch_limits {
  uint32_t struct_size;
  uint32_t num_kv_groups;
  int64_t max_tokens;
  int64_t max_sequences;
  /** Pages of one sequence in one KV group. */
  int64_t max_pages;
} msc_batch_limits;

/** Host arrays of one step; copied by the call. Tokens of one sequence are consecutive, and so are their positions. */
typedef struct msc_batch_desc {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t num_tokens;
  int64_t num_sequences;
  int64_t num_logit_rows;
  /** [num_tokens] */
  const int32_t* host_token_ids;
  /** [num_tokens], from 0 in each sequence. */
  const int32_t* host_positions;
  /** [num_sequences + 1]: sequence s owns tokens [offsets[s], offsets[s + 1]). */
  const int32_t* host_query_offsets;
  /** [num_logit_rows]: ascending token indices whose logits are wanted. */
  const int32_t* host_logit_rows;
  /** [num_kv_groups, num_sequences, pages_stride] page numbers; entry j holds positions
   * [j * page_tokens, (j + 1) * page_tokens). All entries are copied, so all must be readable; those past a sequence's
   * last position are never used and may hold any number. */
  const int32_t* host_page_tables;
  int64_t pages_stride;
  /** Optional [num_kv_groups, num_sequences]: positions of a group's cache that bidirectional attention sees, for
   * attention over another sequence's keys (an encoder's). NULL or an entry of 0: up to the sequence's last position in
   * this batch. Causal attention ignores them. */
  const int32_t* host_key_lengths;
} msc_batch_desc;

MSC_API msc_status msc_batch_create(msc_device* device, const msc_batch_limits* limits, msc_batch** batch);
MSC_API msc_status msc_batch_destroy(msc_batch* batch);
/** Replaces the batch's content and plans its work. Refused, with nothing changed, when the arrays contradict each other
 * or exceed the limits. Page numbers are checked against the cache by the ops that use them. */
MSC_API msc_status msc_batch_update(msc_batch* batch, msc_stream* stream, const msc_batch_desc* desc);

#ifdef __cplusplus
}
#endif
#endif
