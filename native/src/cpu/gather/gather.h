#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace msc::cpu {

/// out[i] = input[rows[i]]; all rows were checked and ascend.
void gather_rows(msc_stream& stream, Matrix<const float> input, const int32_t* rows, Matrix<float> out);

}  // namespace msc::cpu
