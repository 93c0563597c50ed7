#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/weight/native_format.h"

namespace msc::cpu {

/// Where the parts of a packed matrix lie.
///
/// Rows are interleaved in groups of R = row_group: a vector of the kernels has R lanes and each lane is one row, so that
/// an output element is one lane's sum over k in ascending order, whatever the batch. A group is contiguous: the scales
/// of all its blocks, then (aligned to a vector) the elements; the last group is filled up with zeros.
///
///   F32   [k][R] f32
///   F16   [k][R] f16
///   BF16  [k / 2][R][2] bf16; a zero follows an odd last column
///
/// Quantised elements come in words of 4 consecutive columns of a row, by sub-block b of 32 columns:
///
///   Q8_0  [b][8][R][4] i8, word c = columns 4c..4c+3; scales [b][R] f16
///   Q4_0  [b][4][R][4], word c = columns 4c.. in the low, 16 + 4c.. in the high nibbles; scales [b][R] f16
///   Q4_1  elements as Q4_0; scales [b][2][R] f16: d, m
///   Q4_K  elements as Q4_0; scales by 256 columns: [2][R] f16: d, -dmin; [8][2][R] u8: scale, minimum of a sub-block
///   Q6_K  [b][6][R][4]: words 0..3 as Q4_0 (low 4 bits); word 4 + h: bits 2j, 2j+1 of a byte are bits 4, 5 of column
///         16h + 4j + byte; scales by 256 columns: [R] f16; [8][R][2] i8: of the two halves of a sub-block
///   Q5_0  [b][5][R][4]: words 0..3 as Q4_0 (low 4 bits); word 4: bits c and 4 + c of a byte are bit 4 of columns
///         4c + byte and 16 + 4c + byte; scales as Q4_0
///   Q5_1  elements as Q5_0; scales as Q4_1
///   Q5_K  elements as Q5_0; scales as Q4_K
///   MXFP4, NVFP4, IQ4_NL, IQ4_XS: elements as Q4_0, codes for values of a table
///   MXFP4   scales [b][R] u8: exponents
///   NVFP4   [R] f32: factors of whole rows; scales [b][R][2] u8: E4M3 of the two halves of a sub-block
///   IQ4_NL  scales as Q4_0
///   IQ4_XS  scales by 256 columns: [R] f16; [8][R] u8: of a sub-block, plus 32
///
/// Formats whose scales are kept apart have them by group of 2^group_shift columns:
///
///   U4       elements as Q4_0; scales [R] f32, zero points [R] u8
///   I8       elements as Q8_0; scales [R] f32, zero points [R] f16
///   F8_E4M3  [k / 4][R][4], columns in the order 0, 2, 1, 3; scales [R] f32 times 2^120 (see float8_kernel.h)
struct PackedLayout {
  NativeFormat format;
  unsigned row_group;
  int64_t rows;
  int64_t cols;
  int64_t num_groups;
  size_t elements_offset;  // from the start of a group to its elements
  size_t group_bytes;
  size_t matrix_bytes;
  int group_shift;         // log2 of the columns of a group with scales of its own; 0: the format carries its scales
  int64_t num_scales;      // groups of columns of a row
};

/// The layout of a [rows, cols] matrix; cols is a multiple of the format's block. Throws Error (bad argument) when the
/// matrix is larger than memory can be.
/// @param group_cols columns of a group whose scales are kept apart: a power of two, or at least cols; 0: none.
PackedLayout packed_layout(NativeFormat format, unsigned row_group, int64_t rows, int64_t cols, int64_t group_cols = 0);

/// One matrix in packed form: what the kernels read.
struct PackedMatrix {
  PackedLayout layout;
  const std::byte* data;
  const int32_t* permutation = nullptr;  // [cols] input column of each packed column; NULL: the same

  const std::byte* group(int64_t index) const { return data + static_cast<size_t>(index) * layout.group_bytes; }
};

}  // namespace msc::cpu
