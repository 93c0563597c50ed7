#pragma once

#include "cuda/linear/linear_epilogue.h"

namespace msc::cuda {

/// Many rows: a block owns four pairs of weight tiles and some rows; a warp one pair and half of the rows. Each warp goes through
/// all of K, slice by slice, adding up as the streaming kernel does; the sum of the slices
/// before lies in shared memory, each thread's own.
template <WeightCode kCode>
__global__ void __launch_bounds__(256) linear_tile_kernel(const __grid_constant__ LinearParams params,
                                                          const __grid_constant__ LinearPlan plan) {
  constexpr int kNTiles = kTileBlockRows / 16;
  constexpr int kCodeBytes = step_bytes_of(kCode);
  constexpr int kInputsAt = kTileBlockPairs * 2 * kCodeBytes;
  constexpr int kScalesAt = kInputsAt + kTileBlockRows * kInputRowBytes;
  MSC_SHARED_DYNAMIC(unsigned char, shared);
  MSC_SHARED(int, input_rows, kTileBlockRows);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int pair_of_block = thread / 64;
  const int half = thread / 32 % 2;
  const auto row_blocks = static_cast<unsigned>(plan.row_blocks);
  RowBlock rows;
  if (!find_rows(params, blockIdx.x % row_blocks, kTileBlockRows, &rows)) {
    return;
  }
  if (thread < rows.count) {
    input_rows[thread] = params.experts.input_rows == nullptr ? rows.first + thread : params.experts.input_rows[rows.first + thread];
  }
  __syncthreads();

  const LinearTarget& any = rows.shared ? params.shared[0] : params.targets[0];
  const auto steps = static_cast<int>(any.layout.steps);
  const auto scale_bytes = static_cast<int>(plan.scale_bytes);
  const int stage_bytes = kScalesAt + kTileBlockPairs * 2 * scale_bytes;
  const WeightPair pair = find_pair(params, rows.shared, static_cast<int64_t>(blockIdx.x / row_blocks) * kTileBlockPairs + pair_of_block);
  // Each of the pair's two warps copies one of its tiles.
  const TileSource source = pair.exists ? source_of(half == 0 ? *pair.targets[0] : *pair.targets[1], rows.expert, half == 0 ? pair.tiles[0] : pair.tiles[1]) : TileSource{};
  const auto copy_step = [&](int step) {
    if (step < steps) {
      unsigned char* const stage = shared + step % kTileStages * stage_bytes;
      if (pair.exists) {
        const int place = 2 * pair_of_block + half;
        copy_weights<kCode>(source, step, stage + place * kCodeBytes, stage + kScalesAt + place * scale_bytes);
      }
#pragma unroll
      for (int i = 0; i < kTileBlockRows * 8 / 256; ++i) {
        copy_input_chunk(params, input_rows, rows.count, any.layout.cols, step, thread + 256 * i, stage + kInputsAt);
      }
    }
    commit_copies();
  };
  for (int step = 0; step < kTileStages - 1; ++step) {
    copy_step(step);
  }

  const bool works = pair.exists && half * (kTileBlockRows / 2) < rows.count;
  float sum[2][kNTiles][4] = {};
  float* const total = reinterpret_cast<float*>(shared + kTileStages * stage_bytes) + thread;
  int slice = 0;
  const auto close_slice = [&] {
#pragma unroll
    for (int i = 0; i < 2 * kNTiles * 4; ++i) {
      float& part = sum[i / (kNTiles * 4)][i / 4 % kNTiles][i % 4];
      total[i * 256] = slice == 0 ? part : total[i * 256] + part;
      part = 0.0f;
    }
    ++slice;
  };
  for (int step = 0; step < steps; ++step) {
    wait_for_copies<kTileStages - 2>();
    __syncthreads();
    copy_step(step + kTileStages - 1);
    if (works) {
      while (slice < kSlices - 1 && slice_begin(slice + 1, steps) <= step) {
        close_slice();
      }
      const unsigned char* const stage = shared + step % kTileStages * stage_bytes;
      const unsigned char* const codes = stage + 2 * pair_of_block * kCodeBytes;
      const unsigned char* const numbers = stage + kScalesAt + 2 * pair_of_block * scale_bytes;
      uint32_t a[2][4][4];
      load_weights<kCode>(codes, nibble_zero(any), a[0]);
      load_weights<kCode>(codes + kCodeBytes, nibble_zero(any), a[1]);
      multiply_step<kCode, kNTiles>(a, stage + kInputsAt + half * (kTileBlockRows / 2) * kInputRowBytes, scales_in(any, numbers, scale_bytes),
                                    sum);
    }
  }
  wait_for_copies<0>();
  if (!works) {
    return;
  }
  while (slice < kSlices) {
    close_slice();
  }
#pragma unroll
  for (int n = 0; n < kNTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = half * (kTileBlockRows / 2) + n * 8 + lane % 4 * 2 + i % 2;
      if (row < rows.count) {
        finish(params, pair, rows, rows.first + row, lane / 4 + i / 2 * 8, total[(n * 4 + i) * 256], total[((kNTiles + n) * 4 + i) * 256]);
      }
    }
  }
}

}  // namespace msc::cuda
