#pragma once

#include <cstddef>
#include <cstdint>

namespace msc::cuda {

/// What a weight's elements are stored as; kU4 and kI4 are nibbles q that stand for q and q - 8.
enum class WeightCode : int32_t { kBf16, kF8E4M3, kI8, kU4, kI4 };
enum class ScaleType : int32_t { kNone, kF32, kF16 };
/// The second number of a group: w = scale * (code - zero), or w = scale * code + offset.
enum class Correction : int32_t { kNone, kZeroPoint, kOffset };

/// A weight's description; all source formats become one of these.
struct TiledFormat {
  WeightCode code;
  ScaleType scale;        // kNone with kBf16 alone
  Correction correction;
  int64_t group_cols;     // columns of a row with one scale: 16, 32, a multiple of 64, or at least the row; 0 without scales
};

/// Columns that a warp's pipeline brings at a time.
inline constexpr int kStepCols = 64;
/// Rows of a tile: those of mma m16n8k16's first operand.
inline constexpr int kTileRows = 16;

/// How a [rows, cols] matrix lies in memory: in the order in which the lanes of a warp want it, so that each lane copies
/// 16 bytes at a time and no lane reads what another one copied.
///
///   codes   [row_tiles][steps][step_bytes]: 16 rows by 64 columns, in fours of 16 columns (j = 0..3)
///   scales  [row_tiles][groups][16], or [row_tiles][groups][2][16] with the corrections, in the scale's type
///
/// Lane l = 4 g + t has, of four j, rows g and g + 8 of columns 16 j + 4 t ... + 3: as registers of the product, a0 = (row
/// g, first two), a1 = (row g + 8, first two), a2 = (row g, last two), a3 = (row g + 8, last two). Which column takes
/// which place of k does not matter as long as the other operand agrees.
///
///   kBf16          [j][l][a0 a1 a2 a3] of 4 bytes
///   kF8E4M3, kI8   [j / 2][l][j % 2][a0 a1 a2 a3] of 2 bytes
///   kU4, kI4       [l][j] words: nibble i is the low element of a_i, nibble i + 4 the high one
///
/// Rows are filled up to a multiple of 32 and columns to one of 64: with codes and scales that are 0.
struct TiledLayout {
  TiledFormat format;
  int64_t rows;
  int64_t cols;
  int64_t row_tiles;      // even
  int64_t steps;
  int64_t groups;         // of a row
  int64_t step_bytes;     // of one row tile's codes
  int64_t group_bytes;    // of one row tile's scales and corrections of one group
  int64_t scales_offset;  // from the start of the matrix
  int64_t matrix_bytes;   // a multiple of 256
};

/// Throws Error (bad argument) naming what is wrong.
TiledLayout lay_out_weight(const TiledFormat& format, int64_t rows, int64_t cols);

inline bool is_nibble(WeightCode code) { return code == WeightCode::kU4 || code == WeightCode::kI4; }

}  // namespace msc::cuda
