#pragma once

#include "cpu/weight/packed_layout.h"

namespace msc::cpu {

/// Writes one source row into its lane of a row group. Touches that lane's bytes alone, so rows of one group may be
/// packed from several threads.
void pack_row(const PackedLayout& layout, const std::byte* source, std::byte* group, unsigned lane);

/// Exact dequantisation of one row of a packed matrix. @param out [cols]
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);

}  // namespace msc::cpu
