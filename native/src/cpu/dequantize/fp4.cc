// Four-bit floating point (E2M1) with a shared scale: MXFP4 (32 values, E8M0), NVFP4 (4 x 16 values, E4M3).
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

// Twice the value of each E2M1 code, so that it is an integer; the scales are halved instead.
constexpr int8_t kTwiceE2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(e - 128): half of the E8M0 scale. The two smallest are subnormal.
float half_of_e8m0(uint8_t e) {
  return float_from_bits(e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23);
}

/// Half of an E4M3 scale, whose sign bit is not used; the code of NaN counts as 0.
float half_of_ue4m3(uint8_t code) {
  if (code == 0x7f) return 0.0f;
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  if (exponent == 0) return static_cast<float>(mantissa) * 0x1p-10f;
  return static_cast<float>(8 + mantissa) * float_from_bits(static_cast<uint32_t>(exponent - 11 + 127) << 23);
}

/// 2 * half_count values: the low nibbles first, then the high ones.
void decode_nibbles(const uint8_t* q, int half_count, float scale, float* out) {
  for (int j = 0; j < half_count; ++j) {
    out[j] = static_cast<float>(kTwiceE2m1[q[j] & 15]) * scale;
    out[j + half_count] = static_cast<float>(kTwiceE2m1[q[j] >> 4]) * scale;
  }
}

}  // namespace

void decode_mxfp4(const uint8_t* block, float* out) { decode_nibbles(block + 1, 16, half_of_e8m0(block[0]), out); }

void decode_nvfp4(const uint8_t* block, float* out) {
  for (int k = 0; k < 4; ++k) decode_nibbles(block + 4 + 8 * k, 8, half_of_ue4m3(block[k]), out + 16 * k);
}

}  // namespace msc::cpu
