#pragma once

#include "cuda/attention/partial.h"
#include "cuda/attention/stage.h"

namespace msc::cuda {

/// Shared memory of a warp that takes items by itself.
template <KvType kType, int kK, int kV>
struct WarpMemory {
  char* base;
  __device__ __forceinline__ TileBuffer<kType, kK> keys(int i) const { return {base + i % 2 * tile_bytes(kType, kK)}; }
  __device__ __forceinline__ TileBuffer<kType, kV> values(int i) const {
    return {base + 2 * tile_bytes(kType, kK) + i % 2 * tile_bytes(kType, kV)};
  }
  __device__ __forceinline__ char* queries() const {
    return base + 2 * tile_bytes(kType, kK) + 2 * tile_bytes(kType, kV);
  }
};

/// One split of at most 16 rows by one warp (decode; FlashAttention-2, arXiv:2307.08691, with parts in the manner of
/// Flash-Decoding). While keys are used the values are on their way, and the other way round.
template <KvType kType, int kK, int kV>
__device__ __forceinline__ void attend_split(const AttentionParams& params, const AttentionItem& item,
                                             WarpMemory<kType, kK, kV> memory, Packed packed, int lane) {
  const int split_begin = item.key_begin / kAttentionSplit * kAttentionSplit;
  const int first = item.key_begin / kTileKeys * kTileKeys;
  const int num_tiles = (item.key_end - first + kTileKeys - 1) / kTileKeys;
  const SplitPages pages = find_pages(params, item, split_begin, lane);
  const auto copy_keys = [&](int tile) {
    if (tile < num_tiles) {
      const TileSource source = tile_source(params, item, pages, split_begin, first + tile * kTileKeys);
      memory.keys(tile).template copy_keys<kWarp>(params, item, source, packed.pages, lane);
    }
    commit_copies();
  };
  const auto copy_values = [&](int tile) {
    if (tile < num_tiles) {
      const TileSource source = tile_source(params, item, pages, split_begin, first + tile * kTileKeys);
      memory.values(tile).template copy_values<kWarp>(params, item, source, packed.pages, lane);
    }
    commit_copies();
  };
  copy_keys(0);
  copy_values(0);
  copy_queries<kType, kK>(params, item, kWarpRows, packed.queries, memory.queries(), lane, kWarp);
  const LaneRow rows[2] = {lane_row(params, item, lane / 4), lane_row(params, item, lane / 4 + 8)};
  __syncwarp();
  const Queries<kK> queries(memory.queries(), lane);
  Part<kV> part;
  part.clear();
  for (int tile = 0; tile < num_tiles; ++tile) {
    copy_keys(tile + 1);
    wait_for_copies<2>();
    __syncwarp();
    float s[kTileKeys / 8][4];
    score_tile<kType, kK>(queries, memory.keys(tile).data, lane, s);
    to_exponents<kType>(params, item, rows, first + tile * kTileKeys, memory.keys(tile).scales(), lane, s);
    copy_values(tile + 1);
    wait_for_copies<2>();
    __syncwarp();
    to_weights<kType>(memory.values(tile).scales(), lane, s, part);
    add_values<kType, kV>(s, memory.values(tile).data, lane, part.acc);
    __syncwarp();  // the next copies overwrite what this tile's lanes read
  }
  wait_for_copies<0>();
  part.sum_up();
  if (item.partial_row >= 0) {
    store_part<kType>(params, item, rows, 0, 0, lane, part);
  } else {
    store_rows<kType, kV>(params, rows, lane, part.sums, part.acc);
  }
}

template <KvType kType, int kK, int kV>
__global__ void __launch_bounds__(kMaxWarps * kWarp) attention_warp_kernel(AttentionParams params, Packed packed) {
  MSC_SHARED_DYNAMIC(char, memory);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int worker = static_cast<int>(blockIdx.x * (blockDim.x / kWarp)) + warp;
  const WarpMemory<kType, kK, kV> mine{memory + warp * warp_bytes(kType, kK, kV)};
  const int end = params.work.warp_begin[worker + 1];
  for (int i = params.work.warp_begin[worker]; i < end; ++i) {
    const AttentionItem item = params.work.warp_items[i];
    attend_split(params, item, mine, packed, lane);
  }
}

}  // namespace msc::cuda
