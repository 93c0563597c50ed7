#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"

namespace msc::cuda {

/// Rows of one expert that a block of a grouped product works on together.
struct ExpertTile {
  int32_t expert;
  int32_t first_row;
  int32_t num_rows;
  int32_t unused;
};

/// row_of_choice where a choice has no row: it was dropped (id -1), or its id is no expert's.
inline constexpr int32_t kNoRow = -1;
inline constexpr int32_t kBadChoice = -2;

/// The choices of all tokens sorted by expert, and within an expert by token and place: a counting sort, all integers, so
/// that it has one result. Row r of the layer's hidden and output matrices belongs to choice row_of_choice^-1(r).
struct ExpertSortParams {
  int64_t tokens;
  int64_t top_k;
  int64_t num_experts;
  const int32_t* ids;      // [tokens, top_k]; -1: dropped
  int64_t ids_stride;
  /// Every token also has row tokens * top_k + token, at an expert of number num_experts.
  bool shared_expert;
  int64_t tile_rows;       // most rows of a tile
  int32_t* offsets;        // [num_experts + 1]: expert e owns rows [offsets[e], offsets[e + 1])
  int32_t* token_of_row;   // [tokens * top_k, + tokens with a shared expert]; rows behind offsets[num_experts] are not written
  int32_t* row_of_choice;  // [tokens, top_k], dense
  ExpertTile* tiles;       // [plan.most_tiles], by expert ascending, the shared expert last
  int32_t* num_tiles;      // [1]
};

struct ExpertSortPlan {
  unsigned threads;    // of the one block
  size_t shared_bytes;
  int64_t most_tiles;  // whatever the choices are
};

/// Throws Error (bad argument) naming the field that is wrong.
ExpertSortPlan plan_expert_sort(const ExpertSortParams& params);
void launch_expert_sort(const ExpertSortParams& params, const ExpertSortPlan& plan, Stream stream);

}  // namespace msc::cuda
