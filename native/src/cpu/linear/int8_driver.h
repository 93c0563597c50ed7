#pragma once

#include "cpu/linear/activation_block.h"
#include "cpu/linear/matrix_tile.h"
#include "cpu/simd/unroll.h"

namespace msc::cpu {

/// Sub-blocks of 32 columns whose weights stay in the first-level cache while all rows of a tile pass.
inline constexpr int64_t kIntChunk = 64;

/// What a call of an integer kernel works on: sub-blocks [begin, end) of `Groups` row groups and `Rows` rows.
struct Int8Slice {
  const std::byte* group;       // first row group: its scales
  size_t group_bytes;           // from one group to the next
  size_t elements_offset;       // of a group
  int64_t begin, end;
  const std::byte* const* rows;
  float* out;                   // row m of group g: out + (g * out_rows + m) * lanes
  int64_t out_rows;
  int group_shift;              // of PackedLayout
};

/// Slices of the rows of a tile. The order of additions to an output element is that of its sub-blocks, whatever the
/// slices.
template <class V, class Kernel, int Rows, int Groups>
void int8_rows(Int8Slice slice, int num_rows) {
  for (; num_rows >= Rows; num_rows -= Rows) {
    Kernel::template run<V, Rows, Groups>(slice);
    slice.rows += Rows;
    slice.out += Rows * V::kLanes;
  }
  if constexpr (Rows > 1) {
    if (num_rows > 0) {
      int8_rows<V, Kernel, (Rows > 4 ? Rows - 2 : Rows - 1), Groups>(slice, num_rows);
    }
  }
}

template <class V, class Kernel, int Rows, int Groups>
void int8_groups(const MatrixTile& tile, int first_group) {
  const int64_t blocks = tile.cols / kActivationBlockElements;
  Int8Slice slice = {};
  slice.group_bytes = tile.group_bytes;
  slice.elements_offset = tile.elements_offset;
  slice.out_rows = tile.num_rows;
  slice.rows = tile.rows;
  slice.group_shift = tile.group_shift;
  int g = first_group;
  for (; g + Groups <= tile.num_groups; g += Groups) {
    slice.group = tile.group + static_cast<size_t>(g) * tile.group_bytes;
    slice.out = tile.out + static_cast<int64_t>(g) * tile.num_rows * V::kLanes;
    for (int64_t i = 0; i < static_cast<int64_t>(Groups) * tile.num_rows; ++i) {
      V::store(slice.out + i * V::kLanes, V::zero());
    }
    for (slice.begin = 0; slice.begin < blocks; slice.begin += kIntChunk) {
      slice.end = slice.begin + kIntChunk < blocks ? slice.begin + kIntChunk : blocks;
      int8_rows<V, Kernel, Rows, Groups>(slice, tile.num_rows);
    }
  }
  if constexpr (Groups > 1) {
    if (g < tile.num_groups) {
      int8_groups<V, Kernel, Rows, 1>(tile, g);
    }
  }
}

template <class V, class Kernel>
void int8_matrix(const MatrixTile& tile) {
  if (tile.num_rows == 1) {
    int8_groups<V, Kernel, 1, 4>(tile, 0);  // four streams and four chains of additions
  } else if (V::kIntRows >= 6 && tile.num_rows == 2) {
    int8_groups<V, Kernel, 2, 2>(tile, 0);  // a tile of two or three rows alone would wait for its own additions
  } else if (V::kIntRows >= 6 && tile.num_rows == 3) {
    int8_groups<V, Kernel, 3, 2>(tile, 0);
  } else {
    int8_groups<V, Kernel, V::kIntRows, 1>(tile, 0);
  }
}

/// Asks for the lines that a stream of one row will need soon.
template <class V, int Bytes>
MSC_ALWAYS_INLINE inline void prefetch_lines(const std::byte* at) {
  unroll<(Bytes + 63) / 64>([&](auto i) MSC_ALWAYS_INLINE { V::prefetch(at + V::kInt8PrefetchBytes + 64 * i); });
}

/// What the kernels keep in registers between sub-blocks: their rows and the sums of `Rows` x `Groups`.
template <class V, int Rows, int Groups>
struct Int8Sums {
  const std::byte* x[Rows];
  typename V::Float sums[Rows][Groups];

  MSC_ALWAYS_INLINE explicit Int8Sums(const Int8Slice& slice) {
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
      x[m] = slice.rows[m];
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { sums[m][g] = V::load(out(slice, m, g)); });
    });
  }
  MSC_ALWAYS_INLINE void store(const Int8Slice& slice) const {
    unroll<Rows>([&](auto m) MSC_ALWAYS_INLINE {
      unroll<Groups>([&](auto g) MSC_ALWAYS_INLINE { V::store(out(slice, m, g), sums[m][g]); });
    });
  }
  MSC_ALWAYS_INLINE const ActivationBlock* block(int m, int64_t at) const {
    return reinterpret_cast<const ActivationBlock*>(x[m] + at);
  }

 private:
  MSC_ALWAYS_INLINE static float* out(const Int8Slice& slice, int m, int g) {
    return slice.out + (g * slice.out_rows + m) * V::kLanes;
  }
};

}  // namespace msc::cpu
