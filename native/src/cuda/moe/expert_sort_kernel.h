#pragma once

#include "cuda/device/scan.h"
#include "cuda/moe/expert_sort.h"

namespace msc::cuda {

/// Lanes of the warp that hold the same id, which has `bits` bits.
__device__ __forceinline__ uint32_t lanes_with(int id, int bits) {
  uint32_t lanes = kAllLanes;
  for (int b = 0; b < bits; ++b) {
    const bool set = (id >> b & 1) != 0;
    const uint32_t votes = __ballot_sync(kAllLanes, set);
    lanes &= set ? votes : ~votes;
  }
  return lanes;
}

/// One block. Warps own consecutive runs of choices: each counts its run, a thread per expert adds up the warps' counts, and
/// each warp places its run in order.
__global__ void __launch_bounds__(512) expert_sort_kernel(ExpertSortParams params) {
  MSC_SHARED_DYNAMIC(int, counts);  // [warps][experts]: of the warp's run, then the next free row
  MSC_SHARED(int, partial, 64);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % kWarp;
  const int warp = thread / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  const auto experts = static_cast<int>(params.num_experts);
  const auto top_k = static_cast<int>(params.top_k);
  const int choices = static_cast<int>(params.tokens) * top_k;
  const int run = ((choices + warps - 1) / warps + kWarp - 1) / kWarp * kWarp;
  const int begin = warp * run;
  const int end = begin + run < choices ? begin + run : choices;
  int* const own = counts + warp * experts;
  const auto id_of = [&](int choice) {
    return choice < end ? params.ids[choice / top_k * params.ids_stride + choice % top_k] : kNoRow;
  };
  const auto is_expert = [&](int id) { return id >= 0 && id < experts; };

  for (int i = thread; i < warps * experts; i += static_cast<int>(blockDim.x)) {
    counts[i] = 0;
  }
  __syncthreads();
  for (int choice = begin + lane; choice < end; choice += kWarp) {
    const int id = id_of(choice);
    if (is_expert(id)) {
      atomicAdd(own + id, 1);
    }
  }
  __syncthreads();

  int rows = 0;
  for (int w = 0; thread < experts && w < warps; ++w) {
    rows += counts[w * experts + thread];
  }
  const auto tile_rows = static_cast<int>(params.tile_rows);
  const int own_tiles = (rows + tile_rows - 1) / tile_rows;
  int all_rows = 0;
  int all_tiles = 0;
  const int num_warps = static_cast<int>(blockDim.x) / kWarp;
  const int first_row = sum_before(rows, partial, num_warps, &all_rows);
  const int first_tile = sum_before(own_tiles, partial + kWarp, num_warps, &all_tiles);
  if (thread < experts) {
    int next = first_row;
    for (int w = 0; w < warps; ++w) {
      const int count = counts[w * experts + thread];
      counts[w * experts + thread] = next;
      next += count;
    }
    params.offsets[thread] = first_row;
    for (int i = 0; i < own_tiles; ++i) {
      const int left = rows - i * tile_rows;
      params.tiles[first_tile + i] = {thread, first_row + i * tile_rows, left < tile_rows ? left : tile_rows, 0};
    }
  }
  const auto tokens = static_cast<int>(params.tokens);
  const int shared_tiles = params.shared_expert ? (tokens + tile_rows - 1) / tile_rows : 0;
  for (int i = thread; i < shared_tiles; i += static_cast<int>(blockDim.x)) {
    const int left = tokens - i * tile_rows;
    params.tiles[all_tiles + i] = {experts, choices + i * tile_rows, left < tile_rows ? left : tile_rows, 0};
  }
  for (int t = thread; params.shared_expert && t < tokens; t += static_cast<int>(blockDim.x)) {
    params.token_of_row[choices + t] = t;
  }
  if (thread == 0) {
    params.offsets[experts] = all_rows;
    *params.num_tiles = all_tiles + shared_tiles;
  }
  __syncthreads();

  int bits = 1;  // of an expert's number, and of the one that stands for none
  while (experts >> bits != 0) {
    ++bits;
  }
  for (int first = begin; first < end; first += kWarp) {
    const int choice = first + lane;
    const int id = id_of(choice);
    const bool placed = is_expert(id);
    const uint32_t same = lanes_with(placed ? id : experts, bits);
    const int ahead = __popc(same & ((1u << lane) - 1));
    const int row = placed ? own[id] + ahead : 0;
    __syncwarp();
    if (placed && ahead == 0) {
      own[id] += __popc(same);
    }
    __syncwarp();
    if (placed) {
      params.token_of_row[row] = choice / top_k;
    }
    if (choice < end) {
      params.row_of_choice[choice] = placed ? row : id == -1 ? kNoRow : kBadChoice;
    }
  }
}

}  // namespace msc::cuda
