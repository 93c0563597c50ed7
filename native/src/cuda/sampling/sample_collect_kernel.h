#pragma once

#include "cuda/sampling/row_state.h"

namespace msc::cuda {

/// Third launch, for such rows with top-p, a block a chunk: tokens of the bucket in which the prefix ends become candidates;
/// those nearer to the greatest are drawn from whatever it is, and those further off are not. Their chunks are not read.
/// The candidates' order follows the device's; nothing that is made of them does.
template <class E, bool kPacked>
__global__ void __launch_bounds__(kSampleThreads) sample_collect_kernel(SampleParams params, SampleLayout layout) {
  MSC_SHARED(float, stage, kChunk);
  MSC_SHARED(SelectShared, shared, 1);
  MSC_SHARED(uint32_t, first_place, 1);
  const int64_t r = blockIdx.x / static_cast<unsigned>(layout.num_chunks);
  const int c = static_cast<int>(blockIdx.x % static_cast<unsigned>(layout.num_chunks));
  const SampleRow& row = params.sample_rows[r];
  if (!is_wide(row) || row.top_p >= 1.0f) {
    return;
  }
  const RowScratch scratch(params.scratch, layout, r);
  SampleChunk& chunk = scratch.chunks[c];
  const Weigher weigher = {logit_of(key_of_best(best_of_row(scratch.chunks, layout.num_chunks, shared->spare))), row.temperature};
  const uint32_t own_key = key_of_best(chunk.best);
  const DistanceBuckets buckets(row, weigher, least_key_of_row(scratch.chunks, layout.num_chunks, shared->spare));
  const int end = find_bucket(row, scratch, layout.num_chunks, *shared).bucket;
  const float nearest = own_key > kLowestKey ? weigher.distance(logit_of(own_key)) : __builtin_inff();
  if (!(nearest <= buckets.reach) || buckets.of(nearest) > end) {
    if (threadIdx.x == 0) {
      chunk.mass = 0;
    }
    return;
  }
  const ChunkReader<E, kPacked> reader(params.logits, params.logits_stride, params.vocab_size, r, row.mask);
  float x[kChunkItems];
  reader.load(c, false, x);
  reader.edit(row, c, stage, x);
  Mass mass = 0;
  uint32_t candidates = 0;  // a bit for each item
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    const float distance = weigher.distance(x[i]);
    if (distance <= buckets.reach) {
      const int bucket = buckets.of(distance);
      const Mass weight = Weigher::weight_at(distance);
      mass += bucket < end && weight >= row.least_weight ? weight : 0;
      candidates |= static_cast<uint32_t>(bucket == end && weight > 0) << i;
    }
  }
  mass = block_sum_of(mass, shared->spare);
  Mass count = 0;
  auto place = static_cast<uint32_t>(block_sum_before(static_cast<Mass>(__popc(candidates)), shared->spare, &count));
  if (threadIdx.x == 0) {
    chunk.mass = mass;
    *first_place = count == 0 ? 0 : atomicAdd(&scratch.state->num_candidates, static_cast<uint32_t>(count));
  }
  __syncthreads();
  place += *first_place;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    if ((candidates >> i & 1u) != 0) {
      if (place < static_cast<uint32_t>(layout.list_capacity)) {
        scratch.list[place] = {logit_key(x[i]), c * kChunk + reader.column(i)};
      }
      ++place;
    }
  }
}

}  // namespace msc::cuda
