// Super-blocks of 256 in groups of 8 that name a pattern of -1, 0, 1, shifted by 1/8: IQ1_S, IQ1_M.
#include "cpu/dequantize/decoders.h"
#include "cpu/dequantize/iq_grids.h"

namespace msc::cpu {

namespace {

constexpr float kShift = 0.125f;

/// One group of 8: scale * (pattern + shift).
void decode_group(int pattern, float scale, bool negative_shift, float* out) {
  const float shift = negative_shift ? -kShift : kShift;
  const uint16_t levels = kIq1Grid[pattern];
  for (int j = 0; j < 8; ++j) {
    const int value = ((levels >> (2 * j)) & 3) - 1;
    out[j] = scale * (static_cast<float>(value) + shift);
  }
}

}  // namespace

void decode_iq1_s(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* low = block + 2;
  for (int b = 0; b < 8; ++b) {
    // 4 x 3 high bits of the pattern numbers, a 3-bit scale, the sign of the shift.
    const uint16_t high = load_u16(block + 34 + 2 * b);
    const float scale = d * static_cast<float>(2 * ((high >> 12) & 7) + 1);
    for (int g = 0; g < 4; ++g) {
      const int pattern = low[4 * b + g] | (((high >> (3 * g)) & 7) << 8);
      decode_group(pattern, scale, (high & 0x8000) != 0, out + 32 * b + 8 * g);
    }
  }
}

void decode_iq1_m(const uint8_t* block, float* out) {
  const uint8_t* low = block;
  const uint8_t* high = block + 32;  // a nibble a group: 3 high bits of the pattern number, sign of the shift
  const uint8_t* scales = block + 48;
  // The top nibbles of the four scale words make up the super-block's half-precision scale.
  uint16_t super = 0;
  for (int w = 0; w < 4; ++w) super = static_cast<uint16_t>(super | ((load_u16(scales + 2 * w) >> 12) << (4 * w)));
  const float d = float_from_half(super);
  for (int g = 0; g < 32; ++g) {
    // A 3-bit scale for each 16 elements, four of them in a word.
    const int pair = g / 2;
    const int scale = (load_u16(scales + 2 * (pair / 4)) >> (3 * (pair % 4))) & 7;
    const int nibble = (high[g / 2] >> (4 * (g % 2))) & 15;
    decode_group(low[g] | ((nibble & 7) << 8), d * static_cast<float>(2 * scale + 1), (nibble & 8) != 0, out + 8 * g);
  }
}

}  // namespace msc::cpu
