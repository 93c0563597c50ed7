#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"
#include "moesaic/sampling.h"

namespace msc::cuda {

/// How one row is drawn, as kernels read it: msc_sampling_row with its lists on the device and what follows from its
/// settings worked out.
struct SampleRow {
  float temperature;  // <= 0: greedy
  int32_t top_k;      // 0: off
  float top_p;        // 1: off
  float reach;        // the end of the top-p prefix has (greatest - x) / temperature of at most this
  float repetition_penalty;
  float presence_penalty;
  float frequency_penalty;
  uint32_t sample_index;
  uint64_t seed;
  uint64_t position;
  uint64_t least_weight;  // min-p: lighter tokens are not drawn; at least 1
  uint32_t num_counts;    // 0 when no penalty is on
  uint32_t num_biases;
  const msc_token_count* counts;  // on the device, sorted by id, no id twice
  const msc_token_bias* biases;   // the same
  const uint32_t* mask;           // on the device, (vocab_size + 31) / 32 words, or NULL
};

/// The row's lists and mask on the device; not looked at where `row` says that there is none.
struct SampleRowLists {
  const msc_token_count* counts;
  const msc_token_bias* biases;
  const uint32_t* mask;
};

/// Throws Error (bad argument) naming the field that is wrong. What the lists hold is checked by the ABI.
SampleRow make_sample_row(const msc_sampling_row& row, int64_t vocab_size, const SampleRowLists& lists);

/// Draws a token for each row of logits; order and draw rule in src/decisions/sampling.md, to the bit those of the CPU's
/// levels with fused multiply-add. A token that the mask forbids is not read unless log-probabilities are wanted. A row
/// with no token to draw gets id -1 and log-probabilities NaN.
struct SampleParams {
  ElementType type;          // of logits
  int32_t num_top_logprobs;  // 0 to 128
  int64_t rows;
  int64_t vocab_size;  // columns that are tokens
  const void* logits;  // [rows, at least vocab_size], not changed
  int64_t logits_stride;
  const SampleRow* sample_rows;  // [rows]
  int32_t* ids;                  // [rows]
  float* logprobs;               // [rows] of the drawn token under the raw logits, or NULL
  int32_t* top_ids;              // [rows, num_top_logprobs], dense, or NULL
  float* top_logprobs;
  void* scratch;  // SamplePlan::scratch_bytes, a multiple of 16; no contents are kept between calls
};

inline constexpr int64_t kMaxSampledVocab = 272 * 1024;

/// Where the parts of a row's scratch memory lie; from the vocabulary alone.
struct SampleLayout {
  int32_t num_chunks;     // the row's parts, each of which a block reads
  int32_t list_capacity;  // entries of each list below
  int64_t chunks_offset;  // bytes from the row's scratch; its state comes first
  int64_t list_offset;
  int64_t raw_list_offset;
  int64_t row_bytes;
};

struct SamplePlan {
  SampleLayout layout;
  bool packed;   // logits are read 16 bytes at a time
  bool weigh;    // a row draws from more tokens than a list of candidates holds
  bool collect;  // such a row has top-p
  size_t scratch_bytes;
  size_t shared_bytes;  // of the drawing kernel
};

/// Throws Error (bad argument) naming the field that is wrong. `params.scratch` is not looked at. `host_rows`: the rows
/// that lie in params.sample_rows. They decide which launches a call needs, nothing else: a plan whose `weigh` and
/// `collect` are set serves any rows, and every row gets the same token from it.
SamplePlan plan_sample(const SampleParams& params, const SampleRow* host_rows);
/// Up to four launches, which read no host memory.
void launch_sample(const SampleParams& params, const SamplePlan& plan, Stream stream);

/// logprobs[r] = log_softmax(logits[r])[targets[r]] over the first vocab_size columns; NaN where no logit is above
/// -infinity or the target is no token.
struct TokenLogprobsParams {
  ElementType type;
  int64_t rows;
  int64_t vocab_size;
  const void* logits;
  int64_t logits_stride;
  const int32_t* targets;  // [rows]
  float* logprobs;         // [rows]
  void* scratch;           // TokenLogprobsPlan::scratch_bytes, a multiple of 16
};

struct TokenLogprobsPlan {
  int32_t num_chunks;
  bool packed;
  size_t scratch_bytes;
};

/// Throws Error (bad argument) naming the field that is wrong. `params.scratch` is not looked at.
TokenLogprobsPlan plan_token_logprobs(const TokenLogprobsParams& params);
void launch_token_logprobs(const TokenLogprobsParams& params, const TokenLogprobsPlan& plan, Stream stream);

}  // namespace msc::cuda
