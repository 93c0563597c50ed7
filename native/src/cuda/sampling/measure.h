#pragma once

#include "cuda/sampling/block.h"
#include "cuda/sampling/weight.h"

namespace msc::cuda {

/// The same in every thread. Exponentials and sums of a thread's 16 are float32, the rest is double, in fixed order.
__device__ __forceinline__ RawMeasure measure_chunk(const float (&x)[kChunkItems], double* spare) {
  float own = kLowestLogit;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    own = fmaxf(own, x[i]);
  }
  const auto greatest = static_cast<float>(block_greatest(static_cast<double>(own), spare));
  float sum = 0.0f;
  if (greatest > kLowestLogit) {
#pragma unroll
    for (int i = 0; i < kChunkItems; ++i) {
      sum += exp_as_on_cpu(x[i] - greatest);
    }
  }
  return {block_sum_of(static_cast<double>(sum), spare), greatest};
}

/// Of the row, from the measures of its chunks, one a thread; threads without a chunk bring -infinity.
__device__ __forceinline__ RawMeasure join_measures(RawMeasure own, double* spare) {
  const double greatest = block_greatest(static_cast<double>(own.greatest), spare);
  const double part = own.greatest > kLowestLogit ? own.sum * exp(static_cast<double>(own.greatest) - greatest) : 0.0;
  return {block_sum_of(part, spare), static_cast<float>(greatest)};
}

/// Of a clean logit, given the log of the row's sum.
__device__ __forceinline__ float log_probability(float logit, float greatest, double log_sum) {
  return static_cast<float>(static_cast<double>(logit) - static_cast<double>(greatest) - log_sum);
}

}  // namespace msc::cuda
