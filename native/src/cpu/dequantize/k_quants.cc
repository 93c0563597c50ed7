// Super-blocks of 256 with quantised scales: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

constexpr int kSuperBlock = 256;

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

/// The two low bits of element e (Q2_K, Q3_K): 128 elements share 32 bytes, 32 consecutive ones a bit position.
int low_two_bits(const uint8_t* q, int e) { return (q[32 * (e / 128) + e % 32] >> (2 * (e / 32 % 4))) & 3; }

}  // namespace

void decode_q2_k(const uint8_t* block, float* out) {
  const uint8_t* scales = block;
  const uint8_t* q = block + 16;
  const float d = load_half(block + 80);
  const float dmin = load_half(block + 82);
  for (int e = 0; e < kSuperBlock; ++e) {
    const uint8_t s = scales[e / 16];
    const float scale = d * static_cast<float>(s & 15);
    const float min = dmin * static_cast<float>(s >> 4);
    out[e] = scale * static_cast<float>(low_two_bits(q, e)) - min;
  }
}

void decode_q3_k(const uint8_t* block, float* out) {
  const uint8_t* high_mask = block;
  const uint8_t* q = block + 32;
  const uint8_t* scales = block + 96;
  const float d = load_half(block + 108);
  for (int k = 0; k < 16; ++k) {
    const float scale = d * static_cast<float>(unpack_q3_scale(scales, k));
    for (int e = 16 * k; e < 16 * k + 16; ++e) {
      const int high = (high_mask[e % 32] >> (e / 32)) & 1;  // a clear bit subtracts 4
      out[e] = scale * static_cast<float>(low_two_bits(q, e) - (high ? 0 : 4));
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
  const uint8_t* low = block;
  const uint8_t* high = block + 128;
  const uint8_t* scales = block + 192;
  const float d = load_half(block + 208);
  for (int e = 0; e < kSuperBlock; ++e) {
    const int half = e / 128;
    const int quarter = e / 32 % 4;
    const int l = e % 32;
    const uint8_t byte = low[64 * half + 32 * (quarter % 2) + l];
    const int value = (quarter < 2 ? byte & 15 : byte >> 4) | (((high[32 * half + l] >> (2 * quarter)) & 3) << 4);
    const float scale = d * static_cast<float>(static_cast<int8_t>(scales[e / 16]));
    out[e] = scale * static_cast<float>(value - 32);
  }
}

}  // namespace msc::cpu
