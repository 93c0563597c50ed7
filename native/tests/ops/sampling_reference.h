#pragma once

#include <cstdint>
#include <vector>

#include "moesaic/sampling.h"

namespace optest {

/// A sampling row in owned parts.
struct RowSpec {
  float temperature = 1.0f;
  int32_t top_k = 0;
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  uint64_t seed = 0;
  uint32_t sample_index = 0;
  uint64_t position = 0;
  std::vector<msc_token_count> counts = {};
  std::vector<msc_token_bias> biases = {};
  std::vector<uint32_t> mask = {};

  /// Valid while this lives and is not changed.
  msc_sampling_row row() const;
};

/// Probabilities that remain after all steps, in double and by a full sort.
std::vector<double> reference_distribution(const std::vector<float>& logits, const RowSpec& spec);

/// log_softmax in double; NaN counts as -infinity.
std::vector<double> reference_logprobs(const std::vector<float>& logits);

}  // namespace optest
