#pragma once

#include "cuda/attention/partial.h"
#include "cuda/attention/stage.h"

namespace msc::cuda {

/// Shared memory of a block: two stages of keys and values, the queries, what is folded of the splits so far.
template <KvType kType, int kK, int kV>
struct BlockMemory {
  char* base;
  __device__ __forceinline__ char* stage(int i) const { return base + i % 2 * stage_bytes(kType, kK, kV); }
  __device__ __forceinline__ TileBuffer<kType, kK> keys(int i, int tile) const {
    return {stage(i) + tile * tile_bytes(kType, kK)};
  }
  __device__ __forceinline__ TileBuffer<kType, kV> values(int i, int tile) const {
    return {stage(i) + stage_tiles(kType, kK, kV) * tile_bytes(kType, kK) + tile * tile_bytes(kType, kV)};
  }
  __device__ __forceinline__ char* queries() const { return base + 2 * stage_bytes(kType, kK, kV); }
  /// A thread's own: element i of its accumulators at i * threads + thread.
  __device__ __forceinline__ float* folded() const { return reinterpret_cast<float*>(queries() + folded_offset(kK)); }
};

/// Splits of at most 64 rows by one block, 16 rows a warp, one split after another (prefill). A row's sums are those that
/// a warp alone makes of each split, folded from the first to the last, so where the work was done is not to be seen.
template <KvType kType, int kK, int kV>
__device__ __forceinline__ void attend_rows(const AttentionParams& params, const AttentionItem& item,
                                            BlockMemory<kType, kK, kV> memory, Packed packed, int thread) {
  constexpr int kThreads = kBlockWarps * kWarp;
  constexpr int kAccumulators = kV / 8 * 4;
  constexpr int kStageTiles = stage_tiles(kType, kK, kV);
  // ptxas of CUDA 12.4 spills with the other choice, each time.
  [[maybe_unused]] constexpr int kUnrolled = kType == KvType::kF8E4M3 && kV == 256 ? kStageTiles : 1;
  constexpr int kStageKeys = kStageTiles * kTileKeys;
  const int lane = thread % kWarp;
  const int first_row = thread / kWarp * kWarpRows;
  const int first = item.key_begin / kStageKeys * kStageKeys;
  const int num_stages = (item.key_end - first + kStageKeys - 1) / kStageKeys;
  SplitPages pages;
  const auto copy_stage = [&](int stage) {
    const int begin = first + stage * kStageKeys;
    const int split_begin = begin / kAttentionSplit * kAttentionSplit;
    if (stage == 0 || begin == split_begin) {
      pages = find_pages(params, item, split_begin, lane);
    }
#pragma unroll kUnrolled
    for (int t = 0; t < kStageTiles; ++t) {
      const TileSource source = tile_source(params, item, pages, split_begin, begin + t * kTileKeys);
      memory.keys(stage, t).template copy_keys<kThreads>(params, item, source, packed.pages, thread);
      memory.values(stage, t).template copy_values<kThreads>(params, item, source, packed.pages, thread);
    }
    commit_copies();
  };
  copy_stage(0);
  copy_queries<kType, kK>(params, item, kBlockRows, packed.queries, memory.queries(), thread, kThreads);
  const LaneRow rows[2] = {lane_row(params, item, first_row + lane / 4), lane_row(params, item, first_row + lane / 4 + 8)};
  __syncthreads();
  const Queries<kK> queries(memory.queries() + first_row * query_pitch(kK), lane);

  Part<kV> part;
  part.clear();
  SoftmaxSum sums[2];
  float* const folded = memory.folded() + thread;
  for (int stage = 0; stage < num_stages; ++stage) {
    wait_for_copies<0>();
    // The stage is here for all, and nobody still reads the one before, or queries where sums are folded.
    __syncthreads();
    if (stage + 1 < num_stages) {
      copy_stage(stage + 1);
    }
    const int begin = first + stage * kStageKeys;
#pragma unroll 1
    for (int t = 0; t < kStageTiles; ++t) {
      const int tile_begin = begin + t * kTileKeys;
      const bool is_seen = (tile_begin < rows[0].end && tile_begin + kTileKeys > rows[0].begin) ||
                           (tile_begin < rows[1].end && tile_begin + kTileKeys > rows[1].begin);
      if (__any_sync(kAllLanes, is_seen)) {
        float s[kTileKeys / 8][4];
        score_tile<kType, kK>(queries, memory.keys(stage, t).data, lane, s);
        to_exponents<kType>(params, item, rows, tile_begin, memory.keys(stage, t).scales(), lane, s);
        to_weights<kType>(memory.values(stage, t).scales(), lane, s, part);
        add_values<kType, kV>(s, memory.values(stage, t).data, lane, part.acc);
      }
    }
    const bool is_last = stage + 1 == num_stages;
    if (!is_last && (begin + kStageKeys) % kAttentionSplit != 0) {
      continue;
    }
    part.sum_up();
    if (item.partial_row >= 0) {
      store_part<kType>(params, item, rows, first_row, begin / kAttentionSplit - first / kAttentionSplit, lane,
                        part);
    } else {
      const bool is_first = begin / kAttentionSplit == first / kAttentionSplit;
      const FoldFactors factors[2] = {fold(sums[0], part.sums[0]), fold(sums[1], part.sums[1])};
#pragma unroll
      for (int i = 0; i < kAccumulators; ++i) {
        float& here = part.acc[i / 4][i % 4];
        here = fold(factors[i % 4 / 2], is_first ? 0.0f : folded[i * kThreads], here);
      }
      if (!is_last) {
#pragma unroll
        for (int i = 0; i < kAccumulators; ++i) {
          folded[i * kThreads] = part.acc[i / 4][i % 4];
        }
      } else {
        store_rows<kType, kV>(params, rows, lane, sums, part.acc);
      }
    }
    part.clear();
  }
  __syncthreads();  // the next item's copies and queries
}

template <KvType kType, int kK, int kV>
__global__ void __launch_bounds__(kBlockWarps * kWarp) attention_block_kernel(AttentionParams params, Packed packed) {
  MSC_SHARED_DYNAMIC(char, memory);
  const int end = params.work.block_begin[blockIdx.x + 1];
  for (int i = params.work.block_begin[blockIdx.x]; i < end; ++i) {
    const AttentionItem item = params.work.block_items[i];
    attend_rows(params, item, BlockMemory<kType, kK, kV>{memory}, packed, static_cast<int>(threadIdx.x));
  }
}

}  // namespace msc::cuda
