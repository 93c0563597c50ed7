#pragma once

#include "cuda/sampling/row_state.h"

namespace msc::cuda {

/// Second launch, for rows that are drawn from all of their tokens, a block a chunk: now that the row's greatest logit is
/// known, the chunk's weights are summed, those of a row with top-p by distance as well. Chunks whose tokens all weigh
/// nothing are not read again.
template <class E, bool kPacked>
__global__ void __launch_bounds__(kSampleThreads) sample_weigh_kernel(SampleParams params, SampleLayout layout) {
  MSC_SHARED(float, stage, kChunk);
  MSC_SHARED(SelectShared, shared, 1);
  const int64_t r = blockIdx.x / static_cast<unsigned>(layout.num_chunks);
  const int c = static_cast<int>(blockIdx.x % static_cast<unsigned>(layout.num_chunks));
  const SampleRow& row = params.sample_rows[r];
  if (!is_wide(row)) {
    return;
  }
  const RowScratch scratch(params.scratch, layout, r);
  SampleChunk& chunk = scratch.chunks[c];
  const Weigher weigher = {logit_of(key_of_best(best_of_row(scratch.chunks, layout.num_chunks, shared->spare))), row.temperature};
  const uint32_t own_key = key_of_best(chunk.best);
  if (own_key <= kLowestKey || weigher.distance(logit_of(own_key)) > kWeightlessDistance) {
    if (threadIdx.x == 0) {
      chunk.total = 0;
      chunk.mass = 0;
    }
    return;
  }
  const bool has_top_p = row.top_p < 1.0f;
  const DistanceBuckets buckets(row, weigher, least_key_of_row(scratch.chunks, layout.num_chunks, shared->spare));
  shared->bins.clear(static_cast<int>(threadIdx.x));
  const ChunkReader<E, kPacked> reader(params.logits, params.logits_stride, params.vocab_size, r, row.mask);
  float x[kChunkItems];
  reader.load(c, false, x);
  reader.edit(row, c, stage, x);
  __syncthreads();
  Mass total = 0;
  Mass mass = 0;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    const float distance = weigher.distance(x[i]);
    if (distance <= kWeightlessDistance) {
      const Mass weight = Weigher::weight_at(distance);
      total += weight;
      mass += weight >= row.least_weight ? weight : 0;
      if (has_top_p && distance <= buckets.reach) {
        shared->bins.add(buckets.of(distance), weight);
      }
    }
  }
  total = block_sum_of(total, shared->spare);
  mass = block_sum_of(mass, shared->spare);
  if (threadIdx.x == 0) {
    chunk.total = total;
    chunk.mass = mass;
  }
  if (has_top_p) {
    const Mass own = shared->bins.take(static_cast<int>(threadIdx.x));
    if (own > 0) {
      atomicAdd(&scratch.state->buckets[threadIdx.x], own);
    }
  }
}

}  // namespace msc::cuda
