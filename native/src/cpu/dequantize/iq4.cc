// Four-bit numbers into a table of unevenly spaced values: IQ4_NL (blocks of 32), IQ4_XS (super-blocks of 256).
#include "cpu/dequantize/code_tables.h"
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

void decode_32(const uint8_t* q, float scale, float* out) {
  for (int j = 0; j < 16; ++j) {
    out[j] = scale * static_cast<float>(kIq4Values[q[j] & 15]);
    out[j + 16] = scale * static_cast<float>(kIq4Values[q[j] >> 4]);
  }
}

}  // namespace

void decode_iq4_nl(const uint8_t* block, float* out) { decode_32(block + 2, load_half(block), out); }

void decode_iq4_xs(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint16_t high = load_u16(block + 2);
  const uint8_t* low = block + 4;
  for (int b = 0; b < 8; ++b) {
    const int scale = ((low[b / 2] >> (4 * (b % 2))) & 15) | (((high >> (2 * b)) & 3) << 4);
    decode_32(block + 8 + 16 * b, d * static_cast<float>(scale - 32), out + 32 * b);
  }
}

}  // namespace msc::cpu
