#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/linear/tiled_weight.h"

namespace msc::cuda {

/// What a weight comes from. The loader brings GPTQ, AWQ and compressed-tensors to MSC_FORMAT_U4, I8 or F8_E4M3 with scales
/// kept apart (see moesaic/weight.h).
struct WeightSource {
  int32_t format;         // msc_format
  int64_t group_cols;     // of scales kept apart; 0 for formats that carry their own
  bool half_scales;       // scales kept apart are values of float16, and so are zero points: stored as such
  bool zero_is_eight;     // MSC_FORMAT_U4 whose zero points are all 8: none are stored
  bool has_zero_points;   // MSC_FORMAT_I8; MSC_FORMAT_U4 always has them
};

/// The description under which the device's kernels run a source: bfloat16, Q8_0, Q4_0, Q4_1, Q4_K, Q6_K, and U4, I8 and
/// F8_E4M3 with scales apart, each with the exact scales of its source. Throws Error (bad argument) naming every other format.
TiledFormat tiled_format(const WeightSource& source);

/// Rows of a source.
struct SourceRows {
  const void* data;            // first row
  uint64_t row_bytes;          // from one row to the next
  const float* scales;         // [num_rows, groups of a row], dense, of scales kept apart; else NULL
  const int16_t* zero_points;  // likewise, or NULL
};

/// Writes rows [row_begin, row_begin + num_rows) of a matrix, and the zeros behind the last one. row_begin is a multiple of 16,
/// and so is num_rows unless it reaches the last row, so that calls may run on several threads.
/// Throws Error (bad argument) for rows outside, and for scales or zero points that the layout would not hold exactly.
void repack_rows(const WeightSource& source, const TiledLayout& layout, const SourceRows& rows, int64_t row_begin,
                 int64_t num_rows, void* matrix);

/// One row as the kernels see it. @param out [layout.cols]
void read_row(const TiledLayout& layout, const void* matrix, int64_t row, float* out);

}  // namespace msc::cuda
