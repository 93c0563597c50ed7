// Blocks of 32 with one scale, and one offset in the _1 types: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
#include "cpu/dequantize/decoders.h"

namespace msc::cpu {

namespace {

constexpr int kHalf = 16;  // byte j holds element j in its low nibble and element j + 16 in its high one

/// The fifth bits: bit e of the word belongs to element e.
int fifth_bit(uint32_t high, int element) { return static_cast<int>((high >> element) & 1) << 4; }

}  // namespace

void decode_q4_0(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint8_t* q = block + 2;
  for (int j = 0; j < kHalf; ++j) {
    out[j] = d * static_cast<float>((q[j] & 15) - 8);
    out[j + kHalf] = d * static_cast<float>((q[j] >> 4) - 8);
  }
}

void decode_q4_1(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const float m = load_half(block + 2);
  const uint8_t* q = block + 4;
  for (int j = 0; j < kHalf; ++j) {
    out[j] = d * static_cast<float>(q[j] & 15) + m;
    out[j + kHalf] = d * static_cast<float>(q[j] >> 4) + m;
  }
}

void decode_q5_0(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const uint32_t high = load_u32(block + 2);
  const uint8_t* q = block + 6;
  for (int j = 0; j < kHalf; ++j) {
    out[j] = d * static_cast<float>(((q[j] & 15) | fifth_bit(high, j)) - 16);
    out[j + kHalf] = d * static_cast<float>(((q[j] >> 4) | fifth_bit(high, j + kHalf)) - 16);
  }
}

void decode_q5_1(const uint8_t* block, float* out) {
  const float d = load_half(block);
  const float m = load_half(block + 2);
  const uint32_t high = load_u32(block + 4);
  const uint8_t* q = block + 8;
  for (int j = 0; j < kHalf; ++j) {
    out[j] = d * static_cast<float>((q[j] & 15) | fifth_bit(high, j)) + m;
    out[j + kHalf] = d * static_cast<float>((q[j] >> 4) | fifth_bit(high, j + kHalf)) + m;
  }
}

void decode_q8_0(const uint8_t* block, float* out) {
  const float d = load_half(block);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(static_cast<int8_t>(block[2 + j]));
}

}  // namespace msc::cpu
