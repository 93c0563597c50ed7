#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "cpu/weight/packed_layout.h"

namespace msc::cpu {

/// out[t] = scale * (row token_ids[t] of the table); the ids are checked.
void embedding(msc_stream& stream, const PackedMatrix& table, const int32_t* token_ids, float scale, Matrix<float> out);

}  // namespace msc::cpu
