#pragma once

#include <cstdint>
#include <cstring>

namespace msc::cpu {
namespace {

// Internal linkage: this header is also compiled for higher instruction sets.

/// Twice the value of each E2M1 code (OCP Microscaling 1.0), so that it is an integer; the scales are halved instead.
[[maybe_unused]] constexpr int8_t kTwiceE2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Values of the codes of IQ4_NL and IQ4_XS (ggml, src/ggml-common.h).
[[maybe_unused]] constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                    1,    13,   25,  38,  53,  69,  89,  113};

[[maybe_unused]] float code_table_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// 2^(e - 128): half of the E8M0 scale. The two smallest are subnormal.
[[maybe_unused]] float half_of_e8m0(uint8_t e) {
  return code_table_float(e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23);
}

/// Half of an E4M3 scale, whose sign bit is not used; the code of NaN counts as 0.
[[maybe_unused]] float half_of_ue4m3(uint8_t code) {
  if (code == 0x7f) return 0.0f;
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10f;
  return static_cast<float>(8 + mantissa) * code_table_float(static_cast<uint32_t>(exponent - 11 + 127) << 23);
}

}  // namespace
}  // namespace msc::cpu
