#pragma once

#include "cuda/linear/linear_fragments.h"

namespace msc::cuda {

/// Rows of the product that a block works on.
struct RowBlock {
  int expert;     // in the targets' stacks
  bool shared;    // the shared expert's targets
  int first;
  int count;
};

/// False when there is nothing at this place of the grid, for all threads alike.
__device__ __forceinline__ bool find_rows(const LinearParams& params, unsigned index, int most_rows, RowBlock* rows) {
  if (params.experts.tiles == nullptr) {
    const int64_t first = static_cast<int64_t>(index) * most_rows;
    const int64_t left = params.rows - first;
    *rows = {0, false, static_cast<int>(first), left < most_rows ? static_cast<int>(left) : most_rows};
    return true;
  }
  if (static_cast<int32_t>(index) >= *params.experts.num_tiles) {
    return false;
  }
  const ExpertTile tile = params.experts.tiles[index];
  const bool shared = tile.expert == params.experts.num_experts;
  *rows = {shared ? 0 : tile.expert, shared, tile.first_row, tile.num_rows};
  return true;
}

/// Two weight tiles that a warp multiplies together: gate and up of the same features, or neighbours of one target.
struct WeightPair {
  bool exists;
  const LinearTarget* targets[2];
  int tiles[2];
};

__device__ __forceinline__ WeightPair find_pair(const LinearParams& params, bool shared, int64_t index) {
  const LinearTarget* const targets = shared ? params.shared : params.targets;
  if (is_gated(params.epilogue)) {
    const int tile = static_cast<int>(index);
    return {index < targets[0].layout.row_tiles, {targets, targets + 1}, {tile, tile}};
  }
  const LinearTarget* target = targets;
  for (int i = 1; i < params.num_targets && index >= target->layout.row_tiles / 2; ++i) {
    index -= target->layout.row_tiles / 2;
    ++target;
  }
  const int tile = 2 * static_cast<int>(index);
  return {index < target->layout.row_tiles / 2, {target, target}, {tile, tile + 1}};
}

/// Where a weight tile's codes and scales lie.
struct TileSource {
  const unsigned char* codes;
  const unsigned char* scales;
  int group_cols;   // 0: no scales
  int group_bytes;

  __device__ __forceinline__ int groups_of_step() const { return group_cols == 0 || group_cols >= kStepCols ? 1 : kStepCols / group_cols; }
};

__device__ __forceinline__ TileSource source_of(const LinearTarget& target, int expert, int tile) {
  const TiledLayout& layout = target.layout;
  const auto* const matrix = static_cast<const unsigned char*>(target.weight) + expert * layout.matrix_bytes;
  return {matrix + tile * layout.steps * layout.step_bytes,
          matrix + layout.scales_offset + tile * layout.groups * layout.group_bytes,
          static_cast<int>(layout.format.group_cols), static_cast<int>(layout.group_bytes)};
}

/// A warp's copies of one step of a weight tile; each lane copies the codes that it will read.
template <WeightCode kCode>
__device__ __forceinline__ void copy_weights(const TileSource& source, int step, unsigned char* codes, unsigned char* scales) {
  constexpr int kBytes = step_bytes_of(kCode);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const unsigned char* const from = source.codes + static_cast<int64_t>(step) * kBytes;
#pragma unroll
  for (int i = 0; i < kBytes / 512; ++i) {
    copy_async_16(codes + i * 512 + lane * 16, from + i * 512 + lane * 16);
  }
  if constexpr (kCode != WeightCode::kBf16) {
    const int groups = source.groups_of_step();
    const int64_t first = source.group_cols < kStepCols ? static_cast<int64_t>(step) * groups : step * kStepCols / source.group_cols;
    if (lane * 16 < groups * source.group_bytes) {
      copy_async_16(scales + lane * 16, source.scales + first * source.group_bytes + lane * 16);
    }
  }
}

/// 16 bytes of an input row: chunk 8 r + i is the i-th eighth of row r of the step. Rows and columns that do not exist are 0.
__device__ __forceinline__ void copy_input_chunk(const LinearParams& params, const int* input_rows, int count, int64_t cols,
                                                 int step, int chunk, unsigned char* inputs) {
  const int row = chunk / 8;
  const int64_t column = static_cast<int64_t>(step) * kStepCols + chunk % 8 * 8;
  const bool exists = row < count && column < cols;
  const auto* const from = static_cast<const unsigned char*>(params.input) +
                           (exists ? (input_rows[row] * params.input_stride + column) * 2 : 0);
  copy_async_16(inputs + row * kInputRowBytes + chunk % 8 * 16, from, exists ? 16 : 0);
}

/// @param tile_bytes from the first tile's scales in shared memory to the second one's.
__device__ __forceinline__ StepScales scales_in(const LinearTarget& target, const unsigned char* bytes, int tile_bytes) {
  const TiledLayout& layout = target.layout;
  const auto group = static_cast<int>(layout.format.group_cols);
  return {bytes, tile_bytes, static_cast<int>(layout.group_bytes), group < kStepCols ? group / 16 - 1 : 3, layout.format.scale,
          layout.format.correction};
}

/// What load_weights takes from nibbles.
__device__ __forceinline__ uint32_t nibble_zero(const LinearTarget& target) {
  return target.layout.format.code == WeightCode::kI4 ? 0x43084308u : 0x43004300u;
}

}  // namespace msc::cuda
