#pragma once

#include "cuda/sampling/token_list.h"

namespace msc::cuda {

struct DrawShared {
  SelectShared select;
  uint32_t places[kSampleThreads];
  Mass left;
  int32_t id;
  uint32_t count;
};

/// The token in which the running sum of weights by ascending id passes a point: `left`, or `bits` / 2^64 of the sum.
__device__ __forceinline__ int32_t draw_in_list(const TokenList& list, PrefixEnd end, const Weigher& weigher, Mass least_weight,
                                                bool is_fraction, Mass point, DrawShared& shared) {
  const int each = (list.count + kSampleThreads - 1) / kSampleThreads;
  const int first = static_cast<int>(threadIdx.x) * each;
  const int last = first + each < list.count ? first + each : list.count;
  const auto weight_of = [&](int i) {
    if (!end.holds(list.keys[i], list.ids[i])) {
      return Mass{0};
    }
    const Mass weight = weigher.weight(logit_of(list.keys[i]));
    return weight >= least_weight ? weight : Mass{0};
  };
  Mass own = 0;
  for (int i = first; i < last; ++i) {
    own += weight_of(i);
  }
  Mass all = 0;
  const Mass before = block_sum_before(own, shared.select.spare, &all);
  const Mass left = is_fraction ? multiply_high(point, all) : point;
  if (before <= left && left < before + own) {
    Mass rest = left - before;
    int i = first;
    for (Mass weight; rest >= (weight = weight_of(i)); ++i) {
      rest -= weight;
    }
    shared.id = list.ids[i];
  }
  __syncthreads();
  return shared.id;
}

/// Of a row whose first tokens are listed.
__device__ __forceinline__ int32_t draw_listed(const SampleRow& row, const Weigher& weigher, const RowScratch& scratch,
                                               int num_chunks, Mass bits, TokenList& list, DrawShared& shared) {
  const int thread = static_cast<int>(threadIdx.x);
  list.load(scratch.list, num_chunks, thread < num_chunks ? scratch.chunks[thread].num_listed : 0, shared.places,
            shared.select.spare);
  const uint32_t least = list.least_key(shared.select.spare);
  const PrefixEnd end = end_of_filters(row, weigher, list, least, logit_key(weigher.greatest), shared.select);
  return draw_in_list(list, end, weigher, row.least_weight, true, bits, shared);
}

/// Of any other row: first a chunk, then a token of it.
template <class E, bool kPacked>
__device__ __forceinline__ int32_t draw_weighed(const Weigher& weigher, const WholeRow<E, kPacked>& source,
                                                const RowScratch& scratch, int list_capacity, Mass bits, TokenList& list,
                                                DrawShared& shared) {
  const SampleRow& row = source.row;
  const int thread = static_cast<int>(threadIdx.x);
  SelectShared& select = shared.select;
  PrefixEnd end = PrefixEnd::of_all();
  // What is drawn from in the chunk whose number is the thread's.
  Mass own = is_wide(row) && thread < source.num_chunks ? scratch.chunks[thread].mass : 0;
  bool is_known = is_wide(row);
  if (is_known && row.top_p < 1.0f) {
    const PrefixBucket prefix = find_bucket(row, scratch, source.num_chunks, select);
    const uint32_t candidates = scratch.state->num_candidates;
    is_known = prefix.bucket >= 0 && candidates <= static_cast<uint32_t>(list_capacity);
    if (is_known) {
      list.load(scratch.list, candidates);
      const uint32_t least = list.least_key(select.spare);
      const uint32_t greatest = list.greatest_key(select.spare);
      end = find_prefix_end(list.num_tiles(), weighed(list, weigher, end), least, greatest, prefix.missing, select);
      select.bins.clear(thread);
      __syncthreads();
      for (int tile = 0; tile < list.num_tiles(); ++tile) {
        weighed(list, weigher, end)(tile, [&](uint32_t, int32_t id, Mass weight) {
          if (weight >= row.least_weight) {
            select.bins.add(id / kChunk, weight);
          }
        });
        __syncthreads();
        own += select.bins.take(thread);
        __syncthreads();
      }
    }
  }
  if (!is_known) {
    const uint32_t least = least_key_of_row(scratch.chunks, source.num_chunks, select.spare);
    end = end_of_filters(row, weigher, source, least, logit_key(weigher.greatest), select);
    for (int c = 0; c < source.num_chunks; ++c) {
      Mass mass = 0;
      weighed(source, weigher, end)(
          c, [&](uint32_t, int32_t, Mass weight) { mass += weight >= row.least_weight ? weight : 0; });
      mass = block_sum_of(mass, select.spare);
      own = thread == c ? mass : own;
    }
  }
  Mass all = 0;
  const Mass before = block_sum_before(own, select.spare, &all);
  const Mass left = multiply_high(bits, all);
  if (before <= left && left < before + own) {
    shared.left = left - before;
    shared.id = thread;
  }
  __syncthreads();
  const int chunk = shared.id;
  float x[kChunkItems];
  source.reader.load(chunk, false, x);
  source.reader.edit(row, chunk, source.stage, x);
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    const int column = source.reader.column(i);
    list.put(static_cast<uint32_t>(column), {logit_key(x[i]), chunk * kChunk + column});
  }
  list.count = kChunk;
  __syncthreads();
  return draw_in_list(list, end, weigher, row.least_weight, false, shared.left, shared);
}

}  // namespace msc::cuda
