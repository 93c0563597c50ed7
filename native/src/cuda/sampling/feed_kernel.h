#pragma once

#include "cuda/sampling/chunk.h"
#include "cuda/sampling/feed.h"

namespace msc::cuda {

/// Adds an occurrence of `id` to counts sorted by id. @return false if there is no place left.
__device__ __forceinline__ bool count_token(SampleRow& row, const FeedRow& feed, int32_t id) {
  const uint32_t count = row.num_counts;
  const uint32_t place = first_not_below(feed.counts, count, id);
  const bool is_known = place < count && feed.counts[place].id == id;
  __syncthreads();
  if (is_known) {
    if (threadIdx.x == 0) {
      ++feed.counts[place].generated;
      ++feed.counts[place].total;
    }
    return true;
  }
  if (count >= feed.counts_capacity) {
    return false;
  }
  // What lies behind moves up by one, the last entries first.
  for (uint32_t end = count; end > place;) {
    const uint32_t begin = end - place > kSampleThreads ? end - kSampleThreads : place;
    const uint32_t i = begin + threadIdx.x;
    const msc_token_count moved = i < end ? feed.counts[i] : msc_token_count{};
    __syncthreads();
    if (i < end) {
      feed.counts[i + 1] = moved;
    }
    __syncthreads();
    end = begin;
  }
  if (threadIdx.x == 0) {
    feed.counts[place] = {id, 1, 1};
    row.num_counts = count + 1;
  }
  return true;
}

/// A block a row.
__global__ void __launch_bounds__(kSampleThreads) feed_kernel(FeedParams params) {
  const int64_t r = blockIdx.x;
  const FeedRow feed = params.feeds[r];
  SampleRow& row = params.sample_rows[r];
  const int32_t id = params.ids[r];
  if (threadIdx.x == 0 && feed.next_slot >= 0 && feed.next_slot < params.num_slots) {
    params.next_ids[feed.next_slot] = id;
  }
  if (id < 0) {
    return;
  }
  bool fits = feed.counts == nullptr || count_token(row, feed, id);
  if (threadIdx.x == 0) {
    ++row.position;
    if (feed.history != nullptr) {
      const int32_t length = *feed.history_length;
      fits = fits && length < feed.history_capacity;
      if (length < feed.history_capacity) {
        feed.history[length] = id;
        *feed.history_length = length + 1;
      }
    }
    if (!fits) {
      params.overflows[r] = 1;
    }
  }
}

/// A block a row, a run of the mask's words a thread.
__global__ void __launch_bounds__(kSampleThreads) allowed_ids_kernel(AllowedIdsParams params) {
  MSC_SHARED(Mass, spare, kSampleWarps);
  const int64_t r = blockIdx.x;
  const uint32_t* const mask = params.sample_rows[r].mask;
  if (mask == nullptr) {
    if (threadIdx.x == 0) {
      params.counts[r] = static_cast<int32_t>(params.vocab_size);
    }
    return;
  }
  const auto words = static_cast<uint32_t>((params.vocab_size + 31) / 32);
  const auto bits_of_last = static_cast<uint32_t>(params.vocab_size - static_cast<int64_t>(words - 1) * 32);
  const auto word_at = [&](uint32_t i) {
    return i + 1 < words || bits_of_last == 32 ? mask[i] : mask[i] & ((1u << bits_of_last) - 1);
  };
  const uint32_t each = (words + kSampleThreads - 1) / kSampleThreads;
  const uint32_t begin = threadIdx.x * each < words ? threadIdx.x * each : words;
  const uint32_t end = begin + each < words ? begin + each : words;
  Mass own = 0;
  for (uint32_t i = begin; i < end; ++i) {
    own += static_cast<Mass>(__popc(word_at(i)));
  }
  Mass all = 0;
  auto place = static_cast<int64_t>(block_sum_before(own, spare, &all));
  if (threadIdx.x == 0) {
    params.counts[r] = static_cast<int32_t>(all);
  }
  int32_t* const ids = params.ids + r * params.capacity;
  for (uint32_t i = begin; i < end; ++i) {
    for (uint32_t left = word_at(i); left != 0 && place < params.capacity; left &= left - 1) {
      ids[place++] = static_cast<int32_t>(i * 32) + 31 - __clz(left & (0u - left));
    }
  }
}

}  // namespace msc::cuda
