#pragma once

#include "cuda/sampling/chunk.h"
#include "cuda/sampling/prefix_end.h"

namespace msc::cuda {

/// The scratch memory of one row.
struct RowScratch {
  SampleRowState* state;
  SampleChunk* chunks;
  SampleEntry* list;      // kListed places a chunk, or the candidates of the top-p prefix's end
  SampleEntry* raw_list;  // kListed places a chunk

  __device__ __forceinline__ RowScratch(void* scratch, const SampleLayout& layout, int64_t r) {
    char* const row = static_cast<char*>(scratch) + r * layout.row_bytes;
    state = reinterpret_cast<SampleRowState*>(row);
    chunks = reinterpret_cast<SampleChunk*>(row + layout.chunks_offset);
    list = reinterpret_cast<SampleEntry*>(row + layout.list_offset);
    raw_list = reinterpret_cast<SampleEntry*>(row + layout.raw_list_offset);
  }
};

__device__ __forceinline__ bool is_greedy(const SampleRow& row) { return !(row.temperature > 0.0f); }
__device__ __forceinline__ bool is_listed(const SampleRow& row) { return !is_greedy(row) && row.top_k > 0 && row.top_k <= kListed; }
/// Weighed over the whole row, by blocks of their own.
__device__ __forceinline__ bool is_wide(const SampleRow& row) { return !is_greedy(row) && row.top_k == 0; }

/// Key of the greatest logit and ~id of the first token that has it; the key is kLowestKey when there is none to draw.
__device__ __forceinline__ Mass best_of_row(const SampleChunk* chunks, int num_chunks, Mass* spare) {
  const int c = static_cast<int>(threadIdx.x);
  return block_greatest(c < num_chunks ? chunks[c].best : Mass{0}, spare);
}
__device__ __forceinline__ uint32_t key_of_best(Mass best) { return static_cast<uint32_t>(best >> 32); }
__device__ __forceinline__ uint32_t least_key_of_row(const SampleChunk* chunks, int num_chunks, Mass* spare) {
  const int c = static_cast<int>(threadIdx.x);
  return static_cast<uint32_t>(block_least(c < num_chunks ? static_cast<Mass>(chunks[c].least_key) : ~Mass{0}, spare));
}

/// Buckets of equal width over the distances in which the top-p prefix can end.
struct DistanceBuckets {
  float reach;
  float per_unit;

  __device__ __forceinline__ DistanceBuckets(const SampleRow& row, const Weigher& weigher, uint32_t least_key) {
    const float furthest = weigher.distance(logit_of(least_key));
    reach = fminf(fminf(row.reach, kWeightlessDistance), furthest);
    per_unit = reach > 1e-30f ? static_cast<float>(kSampleThreads) / reach : 0.0f;
  }
  /// Of a distance up to `reach`; never falls as the distance grows.
  __device__ __forceinline__ int of(float distance) const {
    const float place = distance * per_unit;
    return place < static_cast<float>(kSampleThreads - 1) ? static_cast<int>(place) : kSampleThreads - 1;
  }
};

/// Where the top-p prefix of a wide row ends: `bucket` is -1 if that cannot be told from the buckets.
struct PrefixBucket {
  int bucket;
  Mass missing;  // what the prefix takes of the bucket
};

__device__ __forceinline__ PrefixBucket find_bucket(const SampleRow& row, const RowScratch& scratch, int num_chunks,
                                                    SelectShared& shared) {
  const int thread = static_cast<int>(threadIdx.x);
  const Mass total = block_sum_of(thread < num_chunks ? scratch.chunks[thread].total : Mass{0}, shared.spare);
  const Mass target = prefix_target(row.top_p, total);
  const Mass own = scratch.state->buckets[thread];
  if (thread == 0) {
    shared.digit = kSampleThreads;
  }
  Mass all = 0;
  const Mass before = block_sum_before(own, shared.spare, &all);  // has barriers
  if (before < target && target <= before + own) {
    shared.digit = static_cast<uint32_t>(thread);
    shared.before = before;
  }
  __syncthreads();
  const bool found = shared.digit < kSampleThreads;
  const PrefixBucket result = {found ? static_cast<int>(shared.digit) : -1, found ? target - shared.before : 0};
  __syncthreads();
  return result;
}

}  // namespace msc::cuda
