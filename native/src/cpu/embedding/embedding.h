#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "cpu/weight/packed_layout.h"

namespace msc::cpu {

/// out[t] (+)= scale * (row rows[t] of the table); the rows are checked. NULL: row 0 for all.
void embedding(msc_stream& stream, const PackedMatrix& table, const int32_t* rows, float scale, bool accumulate,
               Matrix<float> out);

}  // namespace msc::cpu
