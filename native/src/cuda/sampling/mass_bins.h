#pragma once

#include "cuda/sampling/block.h"

namespace msc::cuda {

/// Sums of weights by bin, in shared memory, from sums of 32 bits, which the hardware adds atomically without a loop.
/// Integer sums have no order. Between two `take`s at most kChunk weights may be added, each at most 2^40.
struct MassBins {
  static constexpr uint32_t kPart = (1u << 20) - 1;
  uint32_t low[kSampleThreads];   // bits 0 to 19
  uint32_t high[kSampleThreads];  // bits 20 to 39
  uint32_t ones[kSampleThreads];  // weights of 2^40

  /// A thread's own bin; a barrier must follow.
  __device__ __forceinline__ void clear(int bin) {
    low[bin] = 0;
    high[bin] = 0;
    ones[bin] = 0;
  }
  __device__ __forceinline__ void add(int bin, Mass weight) {
    atomicAdd(&low[bin], static_cast<uint32_t>(weight) & kPart);
    const uint32_t upper = static_cast<uint32_t>(weight >> 20);
    if (upper > kPart) {
      atomicAdd(&ones[bin], 1u);
    } else if (upper > 0) {
      atomicAdd(&high[bin], upper);
    }
  }
  /// What was added to a thread's own bin, which is cleared; barriers must lie before and behind.
  __device__ __forceinline__ Mass take(int bin) {
    const Mass sum = (static_cast<Mass>(ones[bin]) << 40) + (static_cast<Mass>(high[bin]) << 20) + low[bin];
    clear(bin);
    return sum;
  }
};

}  // namespace msc::cuda
