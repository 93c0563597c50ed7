// Super-blocks of 256 values -1, 0, 1: TQ1_0 (five to a byte), TQ2_0 (four to a byte).
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

/// Digit n of a byte that holds five base-3 digits as a fraction of 256: multiplying by 3^n shifts the digits before
/// it out at the top, and the next digit is then the integer part of 3 * byte / 256.
int ternary_digit(uint8_t byte, int n) {
  static constexpr uint8_t kPowers[5] = {1, 3, 9, 27, 81};
  const auto shifted = static_cast<uint8_t>(byte * kPowers[n]);
  return (shifted * 3) >> 8;
}

/// `count` bytes in a row hold digit 0 of `count` elements, then digit 1 of the next `count`, and so on.
float* decode_digits(const uint8_t* bytes, int count, int digits, float d, float* out) {
  for (int n = 0; n < digits; ++n) {
    for (int m = 0; m < count; ++m) *out++ = static_cast<float>(ternary_digit(bytes[m], n) - 1) * d;
  }
  return out;
}

}  // namespace

void decode_tq1_0(const uint8_t* block, float* out) {
  const float d = load_half(block + 52);
  out = decode_digits(block, 32, 5, d, out);
  out = decode_digits(block + 32, 16, 5, d, out);
  decode_digits(block + 48, 4, 4, d, out);
}

void decode_tq2_0(const uint8_t* block, float* out) {
  const float d = load_half(block + 64);
  for (int g = 0; g < 8; ++g) {  // 128 elements share 32 bytes, each 32 of them a bit position
    const uint8_t* q = block + 32 * (g / 4);
    const int shift = 2 * (g % 4);
    for (int l = 0; l < 32; ++l) out[32 * g + l] = static_cast<float>(((q[l] >> shift) & 3) - 1) * d;
  }
}

}  // namespace msc::cpu
