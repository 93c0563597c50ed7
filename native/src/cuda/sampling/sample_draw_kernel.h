#pragma once

#include "cuda/sampling/draw.h"
#include "cuda/sampling/measure.h"

namespace msc::cuda {

/// The most probable tokens of the raw logits in order; tokens of probability 0 follow by id.
template <class E>
__device__ void report_top(const SampleParams& params, const RowScratch& scratch, int num_chunks, const E* logits, int64_t r,
                           float greatest, double log_sum, TokenList& list, DrawShared& shared) {
  MSC_SHARED(SampleEntry, first, kListed);
  const int wanted = params.num_top_logprobs;
  const int thread = static_cast<int>(threadIdx.x);
  int32_t* const ids = params.top_ids + r * wanted;
  float* const logprobs = params.top_logprobs + r * wanted;
  list.load(scratch.raw_list, num_chunks, thread < num_chunks ? scratch.chunks[thread].num_raw_listed : 0, shared.places,
            shared.select.spare);
  PrefixEnd end = PrefixEnd::of_all();
  if (list.count > wanted) {
    const uint32_t least = list.least_key(shared.select.spare);
    end = find_prefix_end(
        list.num_tiles(),
        [&](int tile, const auto& add) { list.each(tile, [&](uint32_t key, int32_t id) { add(key, id, 1); }); }, least,
        logit_key(greatest), static_cast<Mass>(wanted), shared.select);
  }
  if (thread == 0) {
    shared.count = 0;
  }
  __syncthreads();
  for (int tile = 0; tile < list.num_tiles(); ++tile) {
    list.each(tile, [&](uint32_t key, int32_t id) {
      if (end.holds(key, id)) {
        first[atomicAdd(&shared.count, 1u)] = {key, id};
      }
    });
  }
  __syncthreads();
  const int found = static_cast<int>(shared.count);
  if (thread < found) {
    const SampleEntry own = first[thread];
    int rank = 0;
    for (int i = 0; i < found; ++i) {
      rank += first[i].key > own.key || (first[i].key == own.key && first[i].id < own.id);
    }
    ids[rank] = own.id;
    logprobs[rank] = log_probability(logit_of(own.key), greatest, log_sum);
  }
  if (thread == 0) {
    for (int i = found, id = 0; i < wanted; ++id) {
      if (!(load(logits + id) > kLowestLogit)) {
        ids[i] = id;
        logprobs[i++] = kLowestLogit;
      }
    }
  }
}

/// Last launch, a block a row: where the filters end, the draw, and log-probabilities.
template <class E, bool kPacked>
__global__ void __launch_bounds__(kSampleThreads) sample_draw_kernel(SampleParams params, SampleLayout layout) {
  MSC_SHARED_DYNAMIC(uint32_t, list_memory);
  MSC_SHARED(float, stage, kChunk);
  MSC_SHARED(DrawShared, shared, 1);
  MSC_SHARED(double, spare, kSampleWarps);
  const int64_t r = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x);
  const int num_chunks = layout.num_chunks;
  const SampleRow& row = params.sample_rows[r];
  const RowScratch scratch(params.scratch, layout, r);
  TokenList list = {list_memory, reinterpret_cast<int32_t*>(list_memory + layout.list_capacity), 0};

  const Mass best = best_of_row(scratch.chunks, num_chunks, shared->select.spare);
  int32_t id = -1;
  if (key_of_best(best) > kLowestKey) {
    const Weigher weigher = {logit_of(key_of_best(best)), row.temperature};
    const Mass bits = draw_bits(row.seed, row.position, row.sample_index);
    if (is_greedy(row)) {
      id = static_cast<int32_t>(~static_cast<uint32_t>(best));
    } else if (is_listed(row)) {
      id = draw_listed(row, weigher, scratch, num_chunks, bits, list, *shared);
    } else {
      const WholeRow<E, kPacked> source = {
          row, ChunkReader<E, kPacked>(params.logits, params.logits_stride, params.vocab_size, r, row.mask), num_chunks, stage};
      id = draw_weighed(weigher, source, scratch, layout.list_capacity, bits, list, *shared);
    }
  }
  if (thread == 0) {
    params.ids[r] = id;
  }
  if (params.logprobs == nullptr && params.num_top_logprobs == 0) {
    return;
  }
  const float poison = __uint_as_float(0x7FC00000u);  // NaN
  if (id < 0) {
    if (thread == 0 && params.logprobs != nullptr) {
      params.logprobs[r] = poison;
    }
    for (int i = thread; i < params.num_top_logprobs; i += kSampleThreads) {
      params.top_ids[r * params.num_top_logprobs + i] = -1;
      params.top_logprobs[r * params.num_top_logprobs + i] = poison;
    }
    return;
  }
  RawMeasure raw = {0.0, kLowestLogit};
  if (thread < num_chunks) {
    raw = scratch.chunks[thread].raw;
  }
  raw = join_measures(raw, spare);
  const double log_sum = log(raw.sum);
  const E* const logits = static_cast<const E*>(params.logits) + r * params.logits_stride;
  if (thread == 0 && params.logprobs != nullptr) {
    params.logprobs[r] = log_probability(clean_logit(load(logits + id)), raw.greatest, log_sum);
  }
  if (params.num_top_logprobs > 0) {
    report_top(params, scratch, num_chunks, logits, r, raw.greatest, log_sum, list, *shared);
  }
}

}  // namespace msc::cuda
