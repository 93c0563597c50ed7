#pragma once

#include "cuda/device/element.h"
#include "cuda/sampling/block.h"
#include "cuda/sampling/sampling.h"
#include "cuda/sampling/weight.h"

namespace msc::cuda {

/// First of the items, sorted by id, whose id is not below `id`; the lanes of a warp ask together.
template <class Item>
__device__ __forceinline__ uint32_t first_not_below(const Item* items, uint32_t count, int32_t id) {
  const uint32_t lane = threadIdx.x % kWarp;
  uint32_t low = 0;
  uint32_t high = count;  // the answer is one of low to high
  while (low < high) {
    const uint32_t step = (high - low + kWarp - 1) / kWarp;
    const uint32_t probe = low + (lane + 1) * step - 1;
    const bool below = probe < high && items[probe].id < id;
    low += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, below))) * step;
    high = low + step - 1 < high ? low + step - 1 : high;
  }
  return low;
}

/// Chunks of one row, kChunkItems columns a thread: packs of consecutive columns, the packs of neighbouring threads side by
/// side. A thread's columns ascend.
template <class E, bool kPacked>
class ChunkReader {
 public:
  __device__ __forceinline__ ChunkReader(const void* logits, int64_t stride, int64_t vocab_size, int64_t r, const uint32_t* mask)
      : logits_(static_cast<const E*>(logits) + r * stride), vocab_size_(static_cast<int32_t>(vocab_size)), mask_(mask) {}

  /// Column, within its chunk, of the thread's item i.
  __device__ __forceinline__ static int column(int i) {
    return (i / kPack<E> * kSampleThreads + static_cast<int>(threadIdx.x)) * kPack<E> + i % kPack<E>;
  }

  /// Logits as they are read; columns that are no tokens are -infinity. @param all: those that the mask forbids, too.
  __device__ __forceinline__ void load(int chunk, bool all, float (&x)[kChunkItems]) const {
#pragma unroll
    for (int i = 0; i < kChunkItems; i += kPack<E>) {
      const int first = chunk * kChunk + column(i);
      const uint32_t wanted = all ? tokens(first) : allowed(first);
      float pack[kPack<E>];
      if (kPacked && wanted == kWholePack) {
        load_pack(logits_ + first, pack);
      } else {
#pragma unroll
        for (int k = 0; k < kPack<E>; ++k) {
          pack[k] = (wanted >> k & 1u) != 0 ? msc::cuda::load(logits_ + first + k) : kLowestLogit;
        }
      }
#pragma unroll
      for (int k = 0; k < kPack<E>; ++k) {
        x[i + k] = clean_logit(pack[k]);
      }
    }
  }

  /// Biases, penalties, mask. `stage`: kChunk shared floats.
  __device__ __forceinline__ void edit(const SampleRow& row, int chunk, float* stage, float (&x)[kChunkItems]) const {
    if (row.num_biases > 0 || row.num_counts > 0) {
      edit_listed(row, chunk * kChunk, stage, x);
    }
    if (mask_ != nullptr) {
#pragma unroll
      for (int i = 0; i < kChunkItems; i += kPack<E>) {
        const uint32_t bits = allowed(chunk * kChunk + column(i));
#pragma unroll
        for (int k = 0; k < kPack<E>; ++k) {
          x[i + k] = (bits >> k & 1u) != 0 ? x[i + k] : kLowestLogit;
        }
      }
    }
  }

 private:
  static constexpr uint32_t kWholePack = (1u << kPack<E>) - 1;

  /// A bit for each column from `first` on that is a token.
  __device__ __forceinline__ uint32_t tokens(int first) const {
    const int count = vocab_size_ - first;
    return count >= kPack<E> ? kWholePack : count <= 0 ? 0u : (1u << count) - 1;
  }
  __device__ __forceinline__ uint32_t allowed(int first) const {
    const uint32_t bits = tokens(first);
    return mask_ == nullptr || bits == 0 ? bits : bits & mask_[first / 32] >> (first % 32);
  }

  /// Through shared memory, since the threads that hold the listed columns do not know of it.
  __device__ __forceinline__ static void edit_listed(const SampleRow& row, int begin, float* stage, float (&x)[kChunkItems]) {
    const uint32_t first_bias = first_not_below(row.biases, row.num_biases, begin);
    const uint32_t end_bias = first_not_below(row.biases, row.num_biases, begin + kChunk);
    const uint32_t first_count = first_not_below(row.counts, row.num_counts, begin);
    const uint32_t end_count = first_not_below(row.counts, row.num_counts, begin + kChunk);
    if (first_bias == end_bias && first_count == end_count) {
      return;
    }
#pragma unroll
    for (int i = 0; i < kChunkItems; ++i) {
      stage[column(i)] = x[i];
    }
    __syncthreads();
    for (uint32_t i = first_bias + threadIdx.x; i < end_bias; i += kSampleThreads) {
      float& logit = stage[row.biases[i].id - begin];
      logit = clean_logit(logit + row.biases[i].bias);
    }
    __syncthreads();
    for (uint32_t i = first_count + threadIdx.x; i < end_count; i += kSampleThreads) {
      const msc_token_count count = row.counts[i];
      float logit = stage[count.id - begin];
      if (count.total > 0) {
        logit = logit > 0.0f ? logit / row.repetition_penalty : logit * row.repetition_penalty;
      }
      if (count.generated > 0) {
        logit -= row.presence_penalty;
        logit -= row.frequency_penalty * static_cast<float>(count.generated);
      }
      stage[count.id - begin] = clean_logit(logit);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kChunkItems; ++i) {
      x[i] = stage[column(i)];
    }
    __syncthreads();
  }

  const E* logits_;
  int32_t vocab_size_;
  const uint32_t* mask_;
};

}  // namespace msc::cuda
