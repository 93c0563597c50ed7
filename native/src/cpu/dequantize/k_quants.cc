// Super-blocks of 256 with quantised scales: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

struct ScaleAndMin {
  int scale;
  int min;
};

/// The 6-bit scale and minimum of sub-block j (0..7), packed in 12 bytes (Q4_K, Q5_K).
ScaleAndMin unpack_scale_and_min(const uint8_t* packed, int j) {
  if (j < 4) return {packed[j] & 63, packed[j + 4] & 63};
  return {(packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4), (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4)};
}

/// The 6-bit scale of sub-block k (0..15), packed in 12 bytes and stored with an offset of 32 (Q3_K).
int unpack_q3_scale(const uint8_t* packed, int k) {
  const int low = k < 8 ? packed[k] & 15 : packed[k - 8] >> 4;
  const int high = (packed[8 + k % 4] >> (2 * (k / 4))) & 3;
  return (low | (high << 4)) - 32;
}

}  // namespace

// Q2_K and Q3_K: 128 elements share 32 bytes of low bits, each 32 of them a bit position; scales are per 16 elements.

void decode_q2_k(const uint8_t* block, float* out) {
  const uint8_t* scales = block;
  const float d = load_half(block + 80);
  const float dmin = load_half(block + 82);
  for (int k = 0; k < 16; ++k) {
    const uint8_t* q = block + 16 + 32 * (k / 8) + 16 * (k % 2);
    const int shift = 2 * (k / 2 % 4);
    const float scale = d * static_cast<float>(scales[k] & 15);
    const float min = dmin * static_cast<float>(scales[k] >> 4);
    for (int l = 0; l < 16; ++l) out[16 * k + l] = scale * static_cast<float>((q[l] >> shift) & 3) - min;
  }
}

void decode_q3_k(const uint8_t* block, float* out) {
  const uint8_t* scales = block + 96;
  const float d = load_half(block + 108);
  for (int k = 0; k < 16; ++k) {
    const uint8_t* high_mask = block + 16 * (k % 2);
    const uint8_t* q = block + 32 + 32 * (k / 8) + 16 * (k % 2);
    const int shift = 2 * (k / 2 % 4);
    const float scale = d * static_cast<float>(unpack_q3_scale(scales, k));
    for (int l = 0; l < 16; ++l) {
      const int high = ((high_mask[l] >> (k / 2)) & 1) << 2;  // a clear bit subtracts 4
      out[16 * k + l] = scale * static_cast<float>(((q[l] >> shift) & 3) + high - 4);
    }
  }
}

void decode_q4_k(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const uint8_t* q = block + 16;
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin packed = unpack_scale_and_min(block + 4, j);
    const float scale = d * static_cast<float>(packed.scale);
    const float min = dmin * static_cast<float>(packed.min);
    for (int l = 0; l < 32; ++l) {
      const uint8_t byte = q[32 * (j / 2) + l];
      out[32 * j + l] = scale * static_cast<float>(j % 2 == 0 ? byte & 15 : byte >> 4) - min;
    }
  }
}

void decode_q5_k(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const uint8_t* high = block + 16;
  const uint8_t* q = block + 48;
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin packed = unpack_scale_and_min(block + 4, j);
    const float scale = d * static_cast<float>(packed.scale);
    const float min = dmin * static_cast<float>(packed.min);
    for (int l = 0; l < 32; ++l) {
      const uint8_t byte = q[32 * (j / 2) + l];
      const int value = (j % 2 == 0 ? byte & 15 : byte >> 4) | (((high[l] >> j) & 1) << 4);
      out[32 * j + l] = scale * static_cast<float>(value) - min;
    }
  }
}

void decode_q6_k(const uint8_t* block, float* out) {
  const uint8_t* scales = block + 192;
  const float d = load_half(block + 208);
  for (int k = 0; k < 16; ++k) {  // 16 elements with one scale
    const int half = k / 8;
    const int quarter = k / 2 % 4;
    const uint8_t* low = block + 64 * half + 32 * (quarter % 2) + 16 * (k % 2);
    const uint8_t* high = block + 128 + 32 * half + 16 * (k % 2);
    const int low_shift = quarter < 2 ? 0 : 4;
    const float scale = d * static_cast<float>(static_cast<int8_t>(scales[k]));
    for (int l = 0; l < 16; ++l) {
      const int value = ((low[l] >> low_shift) & 15) | (((high[l] >> (2 * quarter)) & 3) << 4);
      out[16 * k + l] = scale * static_cast<float>(value - 32);
    }
  }
}

}  // namespace msc::cpu
