#pragma once

#include <cstdint>

namespace msc::cpu {

struct Candidate {
  float logit;
  int32_t id;
};

/// Greatest logit (lowest id on a tie; id -1 when all are -infinity) and sum of e^(logit - greatest).
struct LogitStats {
  float greatest;
  int32_t id;
  double sum;
};

/// Passes over a row of logits. All read a NaN as -infinity and +infinity as the greatest finite number.
struct SamplingKernels {
  /// `sum` is not computed.
  LogitStats (*argmax)(const float* logits, int64_t count);
  /// One read of the row.
  LogitStats (*stats)(const float* logits, int64_t count);
  /// target = the logits as they are read.
  void (*clean)(const float* logits, int64_t count, float* target);
  /// weights[i] = floor(2^40 e^((logits[i] - greatest) / temperature)), of clean logits.
  void (*weigh)(const float* logits, int64_t count, float greatest, float temperature, uint64_t* weights);
  /// Appends logits above `threshold` from `begin` on, in order of ids, until the row ends or `capacity` could be passed.
  /// Returns where to go on.
  int64_t (*collect)(const float* logits, int64_t begin, int64_t count, float threshold, Candidate* candidates,
                     int64_t* num_candidates, int64_t capacity);
};

/// Free places that `collect` needs to make progress.
inline constexpr int64_t kCollectStep = 64;

const SamplingKernels& sampling_kernels(int32_t isa);
const SamplingKernels& sampling_kernels_portable();
const SamplingKernels& sampling_kernels_avx2();
const SamplingKernels& sampling_kernels_avx512();

}  // namespace msc::cpu
