#pragma once

#include "cuda/linear/linear_epilogue.h"

namespace msc::cuda {

/// Weights stream past a few rows: a block owns some pairs of weight tiles and up to 8 kNTiles rows, and each of its warps a
/// slice of K, whose steps of weights, scales and inputs it brings through a ring of its own. Slices meet in shared memory.
template <WeightCode kCode, int kNTiles>
__global__ void __launch_bounds__(kSlices * 32) linear_stream_kernel(const __grid_constant__ LinearParams params,
                                                                     const __grid_constant__ LinearPlan plan) {
  constexpr int kRows = 8 * kNTiles;
  constexpr int kStages = stream_stages(kCode);
  constexpr int kCodeBytes = step_bytes_of(kCode);
  constexpr int kScalesAt = 2 * kCodeBytes + kRows * kInputRowBytes;
  MSC_SHARED_DYNAMIC(unsigned char, shared);
  MSC_SHARED(int, input_rows, kRows);
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = thread / 32;
  const int lane = thread % 32;
  const auto row_blocks = static_cast<unsigned>(plan.row_blocks);
  RowBlock rows;
  if (!find_rows(params, blockIdx.x % row_blocks, kRows, &rows)) {
    return;
  }
  if (thread < rows.count) {
    input_rows[thread] = params.experts.input_rows == nullptr ? rows.first + thread : params.experts.input_rows[rows.first + thread];
  }
  __syncthreads();

  const int64_t first_pair = blockIdx.x / row_blocks * plan.pairs_of_block;
  const LinearTarget& any = rows.shared ? params.shared[0] : params.targets[0];
  const auto steps = static_cast<int>(any.layout.steps);
  const int begin = slice_begin(warp, steps);
  const int end = slice_begin(warp + 1, steps);
  const int stage_bytes = kScalesAt + 2 * static_cast<int>(plan.scale_bytes);
  unsigned char* const ring = shared + warp * kStages * stage_bytes;
  // [slice][tile of the pair][row of the product][16]
  float* const partial = reinterpret_cast<float*>(shared + kSlices * kStages * stage_bytes);

  // The copying side runs kStages - 1 steps ahead, into the next pair too.
  int64_t next_pair = first_pair;
  int next_step = begin;
  int next_slot = 0;
  TileSource sources[2] = {};
  bool more = false;
  const auto open_pair = [&] {
    const WeightPair pair = find_pair(params, rows.shared, next_pair);
    more = begin < end && pair.exists && next_pair < first_pair + plan.pairs_of_block;
    if (more) {
      sources[0] = source_of(*pair.targets[0], rows.expert, pair.tiles[0]);
      sources[1] = source_of(*pair.targets[1], rows.expert, pair.tiles[1]);
    }
  };
  const auto copy_next = [&] {
    if (more) {
      unsigned char* const stage = ring + next_slot * stage_bytes;
      copy_weights<kCode>(sources[0], next_step, stage, stage + kScalesAt);
      copy_weights<kCode>(sources[1], next_step, stage + kCodeBytes, stage + kScalesAt + plan.scale_bytes);
#pragma unroll
      for (int i = 0; i < 2 * kNTiles; ++i) {
        copy_input_chunk(params, input_rows, rows.count, any.layout.cols, next_step, lane + 32 * i, stage + 2 * kCodeBytes);
      }
      next_slot = next_slot + 1 == kStages ? 0 : next_slot + 1;
      if (++next_step == end) {
        next_step = begin;
        ++next_pair;
        open_pair();
      }
    }
    commit_copies();
  };
  open_pair();
  for (int i = 0; i < kStages - 1; ++i) {
    copy_next();
  }

  int slot = 0;
  for (int64_t index = first_pair; index < first_pair + plan.pairs_of_block; ++index) {
    const WeightPair pair = find_pair(params, rows.shared, index);
    if (!pair.exists) {
      break;
    }
    float sum[2][kNTiles][4] = {};
    for (int step = begin; step < end; ++step) {
      wait_for_copies<kStages - 2>();
      __syncwarp();  // inputs and scales that other lanes brought; and nobody reads the slot that is filled next
      copy_next();
      const unsigned char* const stage = ring + slot * stage_bytes;
      uint32_t a[2][4][4];
      load_weights<kCode>(stage, nibble_zero(any), a[0]);
      load_weights<kCode>(stage + kCodeBytes, nibble_zero(any), a[1]);
      multiply_step<kCode, kNTiles>(a, stage + 2 * kCodeBytes,
                                    scales_in(any, stage + kScalesAt, static_cast<int>(plan.scale_bytes)), sum);
      slot = slot + 1 == kStages ? 0 : slot + 1;
    }
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int n = 0; n < kNTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int row = n * 8 + lane % 4 * 2 + i % 2;
          partial[((warp * 2 + m) * kRows + row) * kTileRows + lane / 4 + i / 2 * 8] = sum[m][n][i];
        }
      }
    }
    __syncthreads();
    for (int i = thread; i < rows.count * kTileRows; i += kSlices * 32) {
      float total[2];
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        total[m] = partial[m * kRows * kTileRows + i];
#pragma unroll
        for (int s = 1; s < kSlices; ++s) {
          total[m] += partial[(s * 2 + m) * kRows * kTileRows + i];
        }
      }
      finish(params, pair, rows, rows.first + i / kTileRows, i % kTileRows, total[0], total[1]);
    }
    __syncthreads();
  }
  wait_for_copies<0>();
}

}  // namespace msc::cuda
