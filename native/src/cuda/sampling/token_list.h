#pragma once

#include "cuda/sampling/row_state.h"

namespace msc::cuda {

/// Tokens in shared memory, in ascending order of ids unless said otherwise.
struct TokenList {
  uint32_t* keys;
  int32_t* ids;
  int count;

  __device__ __forceinline__ int num_tiles() const { return (count + kChunk - 1) / kChunk; }
  /// Calls visit(key, id) for the thread's tokens of a tile.
  template <class Visit>
  __device__ __forceinline__ void each(int tile, const Visit& visit) const {
    const int end = count < (tile + 1) * kChunk ? count : (tile + 1) * kChunk;
    for (int i = tile * kChunk + static_cast<int>(threadIdx.x); i < end; i += kSampleThreads) {
      visit(keys[i], ids[i]);
    }
  }

  /// The lists of all chunks, of which chunk c has `own_count`(c) entries: thread c's. @param places [kSampleThreads] shared
  __device__ __forceinline__ void load(const SampleEntry* lists, int num_chunks, uint32_t own_count, uint32_t* places,
                                       Mass* spare) {
    Mass all = 0;
    const auto before = static_cast<uint32_t>(block_sum_before(static_cast<Mass>(own_count), spare, &all));
    places[threadIdx.x] = before + own_count;
    __syncthreads();
    count = static_cast<int>(all);
    for (int c = 0; c < num_chunks; ++c) {
      const uint32_t first = c == 0 ? 0 : places[c - 1];
      if (first + threadIdx.x < places[c]) {
        put(first + threadIdx.x, lists[c * kListed + static_cast<int>(threadIdx.x)]);
      }
    }
    __syncthreads();
  }
  /// `size` entries in whatever order they have.
  __device__ __forceinline__ void load(const SampleEntry* entries, uint32_t size) {
    count = static_cast<int>(size);
    for (uint32_t i = threadIdx.x; i < size; i += kSampleThreads) {
      put(i, entries[i]);
    }
    __syncthreads();
  }
  __device__ __forceinline__ void put(uint32_t place, SampleEntry entry) const {
    keys[place] = entry.key;
    ids[place] = entry.id;
  }

  __device__ __forceinline__ uint32_t least_key(Mass* spare) const {
    Mass own = ~Mass{0};
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kSampleThreads) {
      own = keys[i] < own ? keys[i] : own;
    }
    return static_cast<uint32_t>(block_least(own, spare));
  }
  __device__ __forceinline__ uint32_t greatest_key(Mass* spare) const {
    Mass own = 0;
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kSampleThreads) {
      own = keys[i] > own ? keys[i] : own;
    }
    return static_cast<uint32_t>(block_greatest(own, spare));
  }
};

/// A row's tokens above -infinity, read chunk by chunk.
template <class E, bool kPacked>
struct WholeRow {
  const SampleRow& row;
  ChunkReader<E, kPacked> reader;
  int num_chunks;
  float* stage;  // kChunk shared floats

  __device__ __forceinline__ int num_tiles() const { return num_chunks; }
  template <class Visit>
  __device__ __forceinline__ void each(int chunk, const Visit& visit) const {
    float x[kChunkItems];
    reader.load(chunk, false, x);
    reader.edit(row, chunk, stage, x);
#pragma unroll
    for (int i = 0; i < kChunkItems; ++i) {
      const uint32_t key = logit_key(x[i]);
      if (key > kLowestKey) {
        visit(key, chunk * kChunk + reader.column(i));
      }
    }
  }
};

/// Tokens of a source that `end` leaves, weighed, as find_prefix_end wants them.
template <class Source>
__device__ __forceinline__ auto weighed(const Source& source, const Weigher& weigher, PrefixEnd end) {
  return [&source, &weigher, end](int tile, const auto& add) {
    source.each(tile, [&](uint32_t key, int32_t id) {
      if (end.holds(key, id)) {
        add(key, id, weigher.weight(logit_of(key)));
      }
    });
  };
}

/// Where top-k and then top-p end in a source whose keys lie within [least, greatest].
template <class Source>
__device__ PrefixEnd end_of_filters(const SampleRow& row, const Weigher& weigher, const Source& source, uint32_t least,
                                    uint32_t greatest, SelectShared& shared) {
  PrefixEnd end = PrefixEnd::of_all();
  if (row.top_k > 0) {
    Mass own = 0;
    for (int tile = 0; tile < source.num_tiles(); ++tile) {
      source.each(tile, [&](uint32_t, int32_t) { ++own; });
    }
    if (block_sum_of(own, shared.spare) > static_cast<Mass>(row.top_k)) {
      end = find_prefix_end(
          source.num_tiles(),
          [&](int tile, const auto& add) { source.each(tile, [&](uint32_t key, int32_t id) { add(key, id, 1); }); }, least,
          greatest, static_cast<Mass>(row.top_k), shared);
    }
  }
  if (row.top_p < 1.0f) {
    const auto kept = weighed(source, weigher, end);
    Mass own = 0;
    for (int tile = 0; tile < source.num_tiles(); ++tile) {
      kept(tile, [&](uint32_t, int32_t, Mass weight) { own += weight; });
    }
    end = find_prefix_end(source.num_tiles(), kept, least, greatest, prefix_target(row.top_p, block_sum_of(own, shared.spare)),
                          shared);
  }
  return end;
}

}  // namespace msc::cuda
