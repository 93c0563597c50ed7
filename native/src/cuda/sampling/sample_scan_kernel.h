#pragma once

#include "cuda/sampling/chunk_list.h"
#include "cuda/sampling/measure.h"
#include "cuda/sampling/row_state.h"

namespace msc::cuda {

/// First launch, a block a chunk, and the only one that reads all logits: what the chunk's greatest is before and after the
/// edits, and, for a row that is drawn from its first few, which of its tokens may be among them.
template <class E, bool kPacked>
__global__ void __launch_bounds__(kSampleThreads) sample_scan_kernel(SampleParams params, SampleLayout layout) {
  MSC_SHARED(float, stage, kChunk);
  MSC_SHARED(SelectShared, shared, 1);
  MSC_SHARED(double, spare, kSampleWarps);
  const int64_t r = blockIdx.x / static_cast<unsigned>(layout.num_chunks);
  const int c = static_cast<int>(blockIdx.x % static_cast<unsigned>(layout.num_chunks));
  const SampleRow& row = params.sample_rows[r];
  const RowScratch scratch(params.scratch, layout, r);
  SampleChunk& chunk = scratch.chunks[c];
  const ChunkReader<E, kPacked> reader(params.logits, params.logits_stride, params.vocab_size, r, row.mask);
  const bool wants_raw = params.logprobs != nullptr || params.num_top_logprobs > 0;

  float x[kChunkItems];
  reader.load(c, wants_raw, x);
  if (wants_raw) {
    const RawMeasure raw = measure_chunk(x, spare);
    if (threadIdx.x == 0) {
      chunk.raw = raw;
    }
    if (params.num_top_logprobs > 0) {
      const uint32_t listed = list_first<E>(x, c * kChunk, static_cast<uint32_t>(params.num_top_logprobs),
                                            scratch.raw_list + c * kListed, *shared);
      if (threadIdx.x == 0) {
        chunk.num_raw_listed = listed;
      }
    }
  }
  reader.edit(row, c, stage, x);

  Mass best = static_cast<Mass>(kLowestKey) << 32;
  uint32_t least = ~0u;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    const uint32_t key = logit_key(x[i]);
    if (key > kLowestKey) {
      const Mass item = static_cast<Mass>(key) << 32 | ~static_cast<uint32_t>(c * kChunk + reader.column(i));
      best = item > best ? item : best;
      least = key < least ? key : least;
    }
  }
  best = block_greatest(best, shared->spare);
  least = static_cast<uint32_t>(block_least(static_cast<Mass>(least), shared->spare));
  uint32_t listed = 0;
  if (is_listed(row)) {
    listed = list_first<E>(x, c * kChunk, static_cast<uint32_t>(row.top_k), scratch.list + c * kListed, *shared);
  }
  if (threadIdx.x == 0) {
    chunk.best = best;
    chunk.least_key = least;
    chunk.num_listed = listed;
  }
  if (c == 0) {
    scratch.state->buckets[threadIdx.x] = 0;
    if (threadIdx.x == 0) {
      scratch.state->num_candidates = 0;
    }
  }
}

}  // namespace msc::cuda
