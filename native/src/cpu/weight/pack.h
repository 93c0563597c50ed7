#pragma once

#include "cpu/weight/packed_layout.h"

namespace msc::cpu {

/// Writes source rows into consecutive lanes of one row group. Touches those lanes' bytes alone, so that rows of one
/// group may be packed by several threads.
void pack_rows(const PackedLayout& layout, const std::byte* source, uint64_t source_row_bytes, std::byte* group,
               unsigned first_lane, unsigned num_lanes);

/// The factor of the same rows, in formats that have one (FormatGeometry::has_factor); nothing in others.
void set_row_factors(const PackedLayout& layout, float factor, std::byte* group, unsigned first_lane, unsigned num_lanes);
/// As pack_rows, with the scales and zero points (or NULL) of the rows, dense [num_lanes, layout.num_scales].
void pack_grouped_rows(const PackedLayout& layout, const std::byte* source, uint64_t source_row_bytes,
                       const float* scales, const int16_t* zero_points, std::byte* group, unsigned first_lane,
                       unsigned num_lanes);

/// unpack_row of a format with groups.
void unpack_grouped_row(const PackedMatrix& matrix, int64_t row, float* out);

/// Exact dequantisation of one row of a packed matrix. @param out [cols]
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);

}  // namespace msc::cpu
