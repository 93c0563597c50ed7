#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "cpu/sampling/kernels.h"
#include "moesaic/sampling.h"

namespace msc::cpu {

/// A checked msc_op_sample call. Empty matrices are not wanted.
struct SampleTask {
  Matrix<const float> logits;
  const msc_sampling_row* rows;
  int64_t vocab_size;
  int64_t num_top_logprobs;
  Matrix<int32_t> ids;
  Matrix<float> logprobs;
  Matrix<int32_t> top_ids;
  Matrix<float> top_logprobs;
};

/// Draws every row. A row without a token to draw gets id -1; once all others are done, Error names the first of them.
void sample(msc_stream& stream, const SampleTask& task);

/// A checked msc_op_token_logprobs call.
void token_logprobs(msc_stream& stream, Matrix<const float> logits, int64_t vocab_size, Matrix<const int32_t> targets,
                    Matrix<float> logprobs);

/// Memory of one thread for rows of up to vocab_size tokens.
struct SampleScratch {
  SampleScratch(std::byte* base, int64_t vocab_size);
  static size_t bytes(int64_t vocab_size);

  float* logits;          // [vocab_size]
  uint64_t* weights;      // [vocab_size]
  Candidate* candidates;  // [vocab_size + kCollectStep]
};

/// Draws one row; -1 if there is no token to draw.
int32_t draw_row(const SamplingKernels& kernels, const float* logits, int64_t vocab_size, const msc_sampling_row& row,
                 const SampleScratch& scratch);

}  // namespace msc::cpu
