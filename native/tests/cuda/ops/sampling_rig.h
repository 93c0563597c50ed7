#pragma once

#include <string>
#include <vector>

#include "cuda/sampling/sampling.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/random.h"
#include "tests/ops/sampling_reference.h"

namespace cuda_ops {

/// Rows of logits and how each is drawn.
struct SampleBatch {
  ElementType type = kF32;
  int64_t vocab = 0;
  std::vector<float> logits = {};  // [rows, vocab], of values that the type holds
  std::vector<optest::RowSpec> rows = {};
  int64_t padding = 0;  // unwritten columns behind those that are tokens
  int64_t shift = 0;    // elements before the first
  bool wants_logprobs = false;
  int num_top = 0;
  bool all_launches = false;  // as a graph for any rows would have them
  bool hide_forbidden = false;  // logits of tokens that a mask forbids are never written

  int64_t num_rows() const { return static_cast<int64_t>(rows.size()); }
  std::vector<float> row(int64_t r) const {
    return std::vector<float>(logits.begin() + r * vocab, logits.begin() + (r + 1) * vocab);
  }
  void add(const std::vector<float>& row_logits, const optest::RowSpec& spec) {
    logits.insert(logits.end(), row_logits.begin(), row_logits.end());
    rows.push_back(spec);
  }
  SampleBatch only(int64_t first, int64_t count = 1) const;
};

struct Sampled {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  std::vector<int32_t> top_ids;
  std::vector<float> top_logprobs;

  /// Everything, for a comparison of bits.
  std::vector<float> bits() const;
};

Sampled run(const SampleBatch& batch);
/// The same with threads taking turns forwards and backwards.
Sampled run_checked(const SampleBatch& batch);

/// What the CPU op draws at a level with fused multiply-add; empty where the machine has none.
std::vector<int32_t> drawn_by_cpu(const SampleBatch& batch);

/// A mask of `vocab` tokens in which each is allowed with probability `share`.
std::vector<uint32_t> random_mask(optest::Rng& rng, int64_t vocab, double share);

}  // namespace cuda_ops
