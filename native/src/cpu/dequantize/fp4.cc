// Four-bit floating point (E2M1) with a shared scale: MXFP4 (32 values, E8M0), NVFP4 (4 x 16 values, E4M3).
#include "cpu/dequantize/code_tables.h"
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

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
