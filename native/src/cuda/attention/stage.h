#pragma once

#include "cuda/attention/attention.h"
#include "cuda/attention/tile.h"
#include "cuda/device/element.h"

namespace msc::cuda {

/// Where positions of a split lie: lane i of a warp knows the page of positions 16 i to 16 i + 15, which pages do not cut.
struct SplitPages {
  int page = 0;
  int slot = 0;
};

__device__ __forceinline__ SplitPages find_pages(const AttentionParams& params, const AttentionItem& item, int split_begin,
                                                 int lane) {
  static_assert(kAttentionSplit <= 16 * kWarp);
  SplitPages pages;
  const int first = split_begin + lane * 16;
  // Positions that no row sees may have no page any more, or none yet.
  if (lane * 16 < kAttentionSplit && first < item.key_end && first + 16 > item.key_begin) {
    const int page_tokens = static_cast<int>(params.pages.page_tokens);
    pages.page = params.page_table[item.sequence * params.page_table_stride + first / page_tokens];
    pages.slot = first % page_tokens;
  }
  return pages;
}

/// The two blocks of 16 positions that a tile consists of.
struct TileSource {
  const char* head[2];  // of page, layer and KV head
  int slot[2];
  int first;  // position
};

__device__ __forceinline__ TileSource tile_source(const AttentionParams& params, const AttentionItem& item, SplitPages pages,
                                                  int split_begin, int first) {
  TileSource source;
  source.first = first;
#pragma unroll
  for (int b = 0; b < kTileKeys / 16; ++b) {
    const unsigned block = static_cast<unsigned>((first - split_begin) / 16 + b);
    const int64_t page = __shfl_sync(kAllLanes, pages.page, block);
    source.slot[b] = __shfl_sync(kAllLanes, pages.slot, block);
    source.head[b] = static_cast<const char*>(params.cache) + page * params.pages.page_bytes +
                     (params.layer * params.pages.num_kv_heads + item.kv_head) * params.pages.head_bytes;
  }
  return source;
}

/// Copies a tile of keys or values to shared memory by kThreads threads; what no row sees, and channels that the cache
/// does not have, become zero without being read.
/// @param offset of keys or values in a head's block, @param width of one of them in elements
/// @param packed rows are multiples of 16 bytes
template <KvType kType, int kWidth, int kThreads>
__device__ __forceinline__ void copy_rows(const AttentionItem& item, const TileSource& source, int64_t offset, int width,
                                          bool packed, char* tile, int thread) {
  constexpr int kPitch = tile_pitch(kType, kWidth);
  constexpr int kChunks = kWidth * element_bytes(kType) / 16;
  const int row_bytes = width * element_bytes(kType);
  if (packed) {
    // Registers for addresses are few, and a block's warps have less to copy each.
    [[maybe_unused]] constexpr int kAtOnce = kThreads == kWarp && kWidth <= 192 ? 4 : 1;
#pragma unroll kAtOnce
    for (int i = thread; i < kTileKeys * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int byte = i % kChunks * 16;
      const int key = source.first + row;
      const bool is_seen = key >= item.key_begin && key < item.key_end && byte < row_bytes;
      const char* const head = row < 16 ? source.head[0] : source.head[1];
      const int slot = (row < 16 ? source.slot[0] : source.slot[1]) + row % 16;
      copy_async_16(tile + row * kPitch + byte, is_seen ? head + offset + int64_t{slot} * row_bytes + byte : head,
                    is_seen ? 16 : 0);
    }
  } else {
    constexpr int kRowBytes = kChunks * 16;
#pragma unroll 1
    for (int i = thread; i < kTileKeys * kRowBytes; i += kThreads) {
      const int row = i / kRowBytes;
      const int byte = i % kRowBytes;
      const int key = source.first + row;
      const bool is_seen = key >= item.key_begin && key < item.key_end && byte < row_bytes;
      const char* const head = row < 16 ? source.head[0] : source.head[1];
      const int slot = (row < 16 ? source.slot[0] : source.slot[1]) + row % 16;
      tile[row * kPitch + byte] = is_seen ? head[offset + int64_t{slot} * row_bytes + byte] : char{0};
    }
  }
}

/// The tile's scales, one a thread.
__device__ __forceinline__ void copy_scales(const AttentionItem& item, const TileSource& source, int64_t offset, float* scales,
                                            int thread) {
  if (thread < kTileKeys) {
    const int key = source.first + thread;
    const bool is_seen = key >= item.key_begin && key < item.key_end;
    const char* const head = thread < 16 ? source.head[0] : source.head[1];
    const int slot = (thread < 16 ? source.slot[0] : source.slot[1]) + thread % 16;
    copy_async_4(scales + thread, is_seen ? head + offset + int64_t{slot} * 4 : head, is_seen ? 4 : 0);
  }
}

/// Keys or values of one tile in shared memory, with their scales.
template <KvType kType, int kWidth>
struct TileBuffer {
  char* data;
  __device__ __forceinline__ float* scales() const {
    return reinterpret_cast<float*>(data + kTileKeys * tile_pitch(kType, kWidth));
  }
  template <int kThreads>
  __device__ __forceinline__ void copy_keys(const AttentionParams& params, const AttentionItem& item,
                                            const TileSource& source, bool packed, int thread) const {
    copy_rows<kType, kWidth, kThreads>(item, source, 0, static_cast<int>(params.pages.k_width), packed, data, thread);
    if constexpr (kType != KvType::kBf16) {
      copy_scales(item, source, params.pages.k_scale_offset, scales(), thread);
    }
  }
  template <int kThreads>
  __device__ __forceinline__ void copy_values(const AttentionParams& params, const AttentionItem& item,
                                              const TileSource& source, bool packed, int thread) const {
    copy_rows<kType, kWidth, kThreads>(item, source, params.pages.v_offset, static_cast<int>(params.pages.v_width), packed,
                                       data, thread);
    if constexpr (kType != KvType::kBf16) {
      copy_scales(item, source, params.pages.v_scale_offset, scales(), thread);
    }
  }
};

/// Rows of q, read kPack<E> or one channel at a time.
template <KvType kType, int kWidth, class E, int kAtOnce>
__device__ __forceinline__ void convert_queries(const AttentionParams& params, const AttentionItem& item, char* to, int thread,
                                                int threads) {
  const int width = static_cast<int>(params.pages.k_width);
  const int packs = width / kAtOnce;
#pragma unroll 2
  for (int i = thread; i < item.num_rows * packs; i += threads) {
    const int row = i / packs;
    const int channel = i % packs * kAtOnce;
    const int64_t token = item.first_token + row / item.heads;
    const E* const from = static_cast<const E*>(params.q) + token * params.q_stride +
                          int64_t{item.first_head + row % item.heads} * width + channel;
    auto* const places = reinterpret_cast<uint16_t*>(to + row * query_pitch(kWidth));
    if constexpr (kAtOnce == 1) {
      places[query_place<kType>(channel)] = bf16_bits(load(from));
    } else {
      float x[kAtOnce];
      load_pack(from, x);
#pragma unroll
      for (int c = 0; c < kAtOnce; c += 2) {  // a pair stays a pair
        *reinterpret_cast<uint32_t*>(places + query_place<kType>(channel + c)) = bf16_pair(x[c], x[c + 1]);
      }
    }
  }
}

/// The item's rows of q as bfloat16, rows and channels that are not there as zero; whoever calls waits for all threads
/// before and after. @param rows of the tile in `to`, @param packed rows of q are multiples of 16 bytes
template <KvType kType, int kWidth>
__device__ __forceinline__ void copy_queries(const AttentionParams& params, const AttentionItem& item, int rows, bool packed,
                                             char* to, int thread, int threads) {
  const int width = static_cast<int>(params.pages.k_width);
  const int filled = width == kWidth ? item.num_rows : 0;
#pragma unroll 1
  for (int i = thread + filled * (kWidth / 8); i < rows * (kWidth / 8); i += threads) {
    *reinterpret_cast<uint4*>(to + i / (kWidth / 8) * query_pitch(kWidth) + i % (kWidth / 8) * 16) = uint4{0, 0, 0, 0};
  }
  if (filled == 0) {
    threads == kWarp ? __syncwarp() : __syncthreads();
  }
  if (params.type == ElementType::kF32) {
    packed ? convert_queries<kType, kWidth, float, 4>(params, item, to, thread, threads)
           : convert_queries<kType, kWidth, float, 1>(params, item, to, thread, threads);
  } else {
    packed ? convert_queries<kType, kWidth, Bf16, 8>(params, item, to, thread, threads)
           : convert_queries<kType, kWidth, Bf16, 1>(params, item, to, thread, threads);
  }
}

}  // namespace msc::cuda
