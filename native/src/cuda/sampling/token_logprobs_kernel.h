#pragma once

#include "cuda/sampling/chunk.h"
#include "cuda/sampling/measure.h"

namespace msc::cuda {

/// A block a chunk.
template <class E, bool kPacked>
__global__ void __launch_bounds__(kSampleThreads) measure_kernel(TokenLogprobsParams params, int num_chunks) {
  MSC_SHARED(double, spare, kSampleWarps);
  const int64_t r = blockIdx.x / static_cast<unsigned>(num_chunks);
  const int c = static_cast<int>(blockIdx.x % static_cast<unsigned>(num_chunks));
  const ChunkReader<E, kPacked> reader(params.logits, params.logits_stride, params.vocab_size, r, nullptr);
  float x[kChunkItems];
  reader.load(c, true, x);
  const RawMeasure raw = measure_chunk(x, spare);
  if (threadIdx.x == 0) {
    static_cast<RawMeasure*>(params.scratch)[r * num_chunks + c] = raw;
  }
}

/// A block a row.
template <class E>
__global__ void __launch_bounds__(kSampleThreads) token_logprobs_kernel(TokenLogprobsParams params, int num_chunks) {
  MSC_SHARED(double, spare, kSampleWarps);
  const int64_t r = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x);
  RawMeasure raw = {0.0, kLowestLogit};
  if (thread < num_chunks) {
    raw = static_cast<const RawMeasure*>(params.scratch)[r * num_chunks + thread];
  }
  raw = join_measures(raw, spare);
  if (thread == 0) {
    const int32_t target = params.targets[r];
    float result = __uint_as_float(0x7FC00000u);  // NaN
    if (target >= 0 && target < params.vocab_size && raw.greatest > kLowestLogit) {
      const float logit = load(static_cast<const E*>(params.logits) + r * params.logits_stride + target);
      result = log_probability(clean_logit(logit), raw.greatest, log(raw.sum));
    }
    params.logprobs[r] = result;
  }
}

}  // namespace msc::cuda
