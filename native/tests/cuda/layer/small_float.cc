// Arithmetic of formats that the host lacks.
#include "tests/cuda/layer/cuda_target.h"

namespace msc::cuda {

uint8_t f8_e4m3_bits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint8_t>(bits >> 24 & 0x80u);
  const float magnitude = std::fabs(x);
  if (x != x) {
    return static_cast<uint8_t>(sign | 0x7F);
  }
  if (magnitude >= 448.0f) {  // infinities, too
    return static_cast<uint8_t>(sign | 0x7E);
  }
  if (magnitude == 0.0f) {
    return sign;
  }
  // Steps of 2^-9 below 2^-6, of an eighth of the power of two above.
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent - 1, -6);
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));
  return static_cast<uint8_t>(sign | ((exponent + 6) * 8 + steps));
}

}  // namespace msc::cuda
