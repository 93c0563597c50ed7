#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace optest {

/// IEEE binary16, nearest even; by arithmetic, so that it shares nothing with the library's conversion.
inline uint16_t float_to_half(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (std::isnan(magnitude)) {
    return 0x7e00;
  }
  if (magnitude >= 65520.0) {
    return static_cast<uint16_t>(sign | 0x7c00);
  }
  if (magnitude < 0x1p-14) {
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24)));
  }
  const int exponent = std::ilogb(magnitude);
  const auto mantissa = static_cast<uint32_t>(std::nearbyint(std::scalbn(magnitude, 10 - exponent)));  // 1024..2048
  return static_cast<uint16_t>(sign | (static_cast<uint32_t>(exponent + 15 - 1) * 1024 + mantissa));
}

/// bfloat16, nearest even.
inline uint16_t float_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) {
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  }
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace optest
