#pragma once

#include "cuda/attention/attention.h"
#include "cuda/device/host_device.h"

namespace msc::cuda {

// How attention's tiles lie in shared memory; for plans and kernels alike.

/// Positions whose scores a warp holds at once. One of the sizes that a row's bits depend on, as kAttentionSplit is.
inline constexpr int kTileKeys = 32;
static_assert(kAttentionSplit % (2 * kTileKeys) == 0);

/// What a block of compute capability 9.0 may ask for, and what a processor has for all of its blocks, each with 1 KiB for
/// the system (CUDA C++ Programming Guide, table of technical specifications).
inline constexpr int kBlockShared = 227 * 1024;
inline constexpr int kProcessorShared = 228 * 1024;
inline constexpr int kSystemShared = 1024;

MSC_HOST_DEVICE constexpr int element_bytes(KvType type) { return type == KvType::kBf16 ? 2 : 1; }

/// Bytes from one row of a tile to the next: the cache's own elements, an odd number of 16-byte chunks apart, so that the
/// eight rows of a matrix load lie in eight different groups of banks.
MSC_HOST_DEVICE constexpr int tile_pitch(KvType type, int width) { return (width * element_bytes(type) / 16 | 1) * 16; }
/// A tile of keys or values, then their scales.
MSC_HOST_DEVICE constexpr int tile_bytes(KvType type, int width) {
  return kTileKeys * tile_pitch(type, width) + (type == KvType::kBf16 ? 0 : kTileKeys * 4);
}
/// Queries as bfloat16.
MSC_HOST_DEVICE constexpr int query_pitch(int width) { return width * 2 + 16; }
/// Whether queries stay in registers; wider ones are loaded each time.
MSC_HOST_DEVICE constexpr bool holds_queries(int width) { return width <= 128; }

/// A warp that takes items by itself: two tiles of keys, two of values, the queries.
MSC_HOST_DEVICE constexpr int warp_bytes(KvType type, int k, int v) {
  return 2 * tile_bytes(type, k) + 2 * tile_bytes(type, v) + kWarpRows * query_pitch(k);
}

/// What is folded of a block's splits lies behind its queries, or in their place where they stay in registers.
MSC_HOST_DEVICE constexpr int folded_offset(int k) { return holds_queries(k) ? 0 : kBlockRows * query_pitch(k); }
MSC_HOST_DEVICE constexpr int rows_bytes(int k, int v) {
  const int queries = kBlockRows * query_pitch(k);
  const int folded_end = folded_offset(k) + kBlockRows * v * 4;
  return queries > folded_end ? queries : folded_end;
}
/// Tiles that a block brings at once, while it works on as many: its warps wait for one another once for them.
MSC_HOST_DEVICE constexpr int stage_tiles(KvType type, int k, int v) {
  return 4 * (tile_bytes(type, k) + tile_bytes(type, v)) + rows_bytes(k, v) <= kBlockShared ? 2 : 1;
}
MSC_HOST_DEVICE constexpr int stage_bytes(KvType type, int k, int v) {
  return stage_tiles(type, k, v) * (tile_bytes(type, k) + tile_bytes(type, v));
}
MSC_HOST_DEVICE constexpr int block_bytes(KvType type, int k, int v) {
  return 2 * stage_bytes(type, k, v) + rows_bytes(k, v);
}

}  // namespace msc::cuda
