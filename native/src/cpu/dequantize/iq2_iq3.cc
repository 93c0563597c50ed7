// Super-blocks of 256 in groups of 8 that name patterns of magnitudes, with separate signs: IQ2_XXS, IQ2_XS, IQ2_S,
// IQ3_XXS, IQ3_S.
#include "cpu/dequantize/decoders.h"
#include "cpu/dequantize/iq_grids.h"

namespace msc::cpu {

namespace {

/// Seven stored sign bits; the eighth makes the number of negative elements even.
uint32_t complete_signs(uint32_t seven) {
  uint32_t parity = seven ^ (seven >> 4);
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | ((parity & 1) << 7);
}

void decode_group_of_8(uint16_t levels, float scale, uint32_t signs, float* out) {
  const float values[4] = {scale * kIq2Levels[0], scale * kIq2Levels[1], scale * kIq2Levels[2], 0.0f};
  for (int j = 0; j < 8; ++j) out[j] = flip_sign(values[(levels >> (2 * j)) & 3], signs, j);
}

float iq2_scale(float d, int scale) { return d * (0.5f + static_cast<float>(scale)) * 0.25f; }

}  // namespace

void decode_iq2_xxs(const uint8_t* block, float* out) {
  const float d = load_half(block);
  for (int b = 0; b < 8; ++b) {
    const uint8_t* patterns = block + 2 + 8 * b;
    const uint32_t tail = load_u32(patterns + 4);  // 4 x 7 sign bits, a 4-bit scale
    const float scale = iq2_scale(d, static_cast<int>(tail >> 28));
    for (int g = 0; g < 4; ++g) {
      decode_group_of_8(kIq2XxsGrid[patterns[g]], scale, complete_signs((tail >> (7 * g)) & 127),
                        out + 32 * b + 8 * g);
    }
  }
}

void decode_iq2_xs(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* scales = block + 66;  // a nibble for each 16 elements
  for (int g = 0; g < 32; ++g) {
    const uint16_t q = load_u16(block + 2 + 2 * g);  // a 9-bit pattern number, 7 sign bits
    const float scale = iq2_scale(d, (scales[g / 4] >> (4 * (g / 2 % 2))) & 15);
    decode_group_of_8(kIq2XsGrid[q & 511], scale, complete_signs(static_cast<uint32_t>(q >> 9)), out + 8 * g);
  }
}

void decode_iq2_s(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* low = block + 2;
  const uint8_t* signs = block + 34;
  const uint8_t* high = block + 66;  // two high bits of the pattern number a group
  const uint8_t* scales = block + 74;
  for (int g = 0; g < 32; ++g) {
    const int pattern = low[g] | (((high[g / 4] >> (2 * (g % 4))) & 3) << 8);
    const float scale = iq2_scale(d, (scales[g / 4] >> (4 * (g / 2 % 2))) & 15);
    decode_group_of_8(kIq2SGrid[pattern], scale, signs[g], out + 8 * g);
  }
}

void decode_iq3_xxs(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* patterns = block + 2;
  for (int b = 0; b < 8; ++b) {
    const uint32_t tail = load_u32(block + 66 + 4 * b);  // 4 x 7 sign bits, a 4-bit scale
    const float scale = d * (0.5f + static_cast<float>(tail >> 28)) * 0.5f;
    float values[8];
    for (int v = 0; v < 8; ++v) values[v] = scale * static_cast<float>(kIq3XxsLevels[v]);
    for (int g = 0; g < 8; ++g) {  // groups of 4
      const uint32_t signs = complete_signs((tail >> (7 * (g / 2))) & 127) >> (4 * (g % 2));
      const uint16_t levels = kIq3XxsGrid[patterns[8 * b + g]];
      for (int j = 0; j < 4; ++j) out[32 * b + 4 * g + j] = flip_sign(values[(levels >> (3 * j)) & 7], signs, j);
    }
  }
}

void decode_iq3_s(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* low = block + 2;
  const uint8_t* high = block + 66;  // the ninth bit of each pattern number
  const uint8_t* signs = block + 74;
  const uint8_t* scales = block + 106;
  for (int g = 0; g < 64; ++g) {  // groups of 4
    const int nibble = (scales[g / 16] >> (4 * (g / 8 % 2))) & 15;
    const float scale = d * static_cast<float>(1 + 2 * nibble);
    const uint16_t levels = kIq3SGrid[low[g] | (((high[g / 8] >> (g % 8)) & 1) << 8)];
    const uint32_t four_signs = static_cast<uint32_t>(signs[g / 2] >> (4 * (g % 2)));
    for (int j = 0; j < 4; ++j) {
      const int value = 2 * ((levels >> (3 * j)) & 7) + 1;
      out[4 * g + j] = flip_sign(scale * static_cast<float>(value), four_signs, j);
    }
  }
}

}  // namespace msc::cpu
