#pragma once

#include <cstdint>

#include "cpu/sampling/kernels.h"

namespace msc::cpu {

/// The order of all filters: descending logit, ties by the lower id.
inline bool comes_before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// Places that select_top needs.
int64_t select_capacity(int64_t count, int64_t k);

/// The k first tokens of a row, in order; fewer if fewer are above -infinity. Returns their number.
int64_t select_top(const SamplingKernels& kernels, const float* logits, int64_t count, int64_t k, Candidate* candidates);

/// Last token of the shortest prefix (in order) of clean logits whose weights sum to at least `target` (1 to the sum of
/// all). `candidates` has room for all.
Candidate find_prefix_end(const float* logits, const uint64_t* weights, int64_t count, float greatest, float temperature,
                          uint64_t target, Candidate* candidates);

}  // namespace msc::cpu
