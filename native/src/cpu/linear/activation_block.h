#pragma once

#include <cstdint>

namespace msc::cpu {

/// 32 input values of one row as the integer kernels read them: x = scale * q.
struct ActivationBlock {
  int8_t q[32];           // -127..127
  float scale;            // largest |x| / 127; NaN or infinity where x holds one
  float sum;              // scale * (sum of q), for formats with a minimum or offset
  int32_t minus_128_sum;  // -128 * (sum of q), for signed weights multiplied as unsigned
  int16_t half_sums[2];   // sums of the first and last 16 q
};
static_assert(sizeof(ActivationBlock) == 48);

inline constexpr int64_t kActivationBlockElements = 32;

}  // namespace msc::cpu
