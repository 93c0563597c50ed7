#pragma once

#include "cpu/linear/activation_block.h"
#include "cpu/linear/matrix_tile.h"
#include "cpu/linear/unroll.h"

namespace msc::cpu {

/// Sub-blocks of 32 columns whose weights stay in the first-level cache while all rows of a tile pass.
inline constexpr int64_t kIntChunk = 64;

/// Calls Kernel::run<V, Rows>(group scales, elements, first sub-block, end, rows, sums) for slices of the rows. The order
/// of additions to an output element is that of its sub-blocks, whatever the slices.
template <class V, class Kernel, int Rows>
inline void int8_rows(const std::byte* scales, const std::byte* elements, int64_t begin, int64_t end,
                      const std::byte* const* rows, int num_rows, float* out) {
  int m = 0;
  for (; m + Rows <= num_rows; m += Rows) {
    Kernel::template run<V, Rows>(scales, elements, begin, end, rows + m, out + m * V::kLanes);
  }
  if constexpr (Rows > 1) {
    if (m < num_rows) {
      int8_rows<V, Kernel, (Rows > 4 ? Rows - 2 : Rows - 1)>(scales, elements, begin, end, rows + m, num_rows - m,
                                                             out + m * V::kLanes);
    }
  }
}

template <class V, class Kernel>
void int8_matrix(const MatrixTile& tile) {
  const int64_t blocks = tile.cols / kActivationBlockElements;
  const std::byte* group = tile.group;
  float* out = tile.out;
  for (int g = 0; g < tile.num_groups; ++g) {
    for (int i = 0; i < tile.num_rows; ++i) {
      V::store(out + i * V::kLanes, V::zero());
    }
    for (int64_t begin = 0; begin < blocks; begin += kIntChunk) {
      const int64_t end = begin + kIntChunk < blocks ? begin + kIntChunk : blocks;
      int8_rows<V, Kernel, V::kIntRows>(group, group + tile.elements_offset, begin, end, tile.rows, tile.num_rows, out);
    }
    group += tile.group_bytes;
    out += tile.num_rows * V::kLanes;
  }
}

}  // namespace msc::cpu
