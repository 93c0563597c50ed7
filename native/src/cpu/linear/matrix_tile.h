#pragma once

#include <cstddef>
#include <cstdint>

namespace msc::cpu {

/// One call of a kernel: `num_groups` row groups of a packed matrix times `num_rows` prepared input rows.
struct MatrixTile {
  const std::byte* group;      // first row group
  size_t group_bytes;          // from one group of the call to the next
  size_t elements_offset;      // of a group
  int64_t cols;
  int num_groups;
  int num_rows;                // at most kMaxTileRows
  const std::byte* const* rows;  // [num_rows] prepared rows of the kind the kernel wants
  float* out;                  // [num_groups][num_rows][row_group], overwritten
  int group_shift;             // of PackedLayout
};

inline constexpr int kMaxTileRows = 96;
inline constexpr int kMaxTileGroups = 4;

using MatrixKernel = void (*)(const MatrixTile& tile);

}  // namespace msc::cpu
