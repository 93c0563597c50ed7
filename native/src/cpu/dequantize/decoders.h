#pragma once

#include <cstdint>
#include <cstring>

namespace msc::cpu {

// One function a format: decodes one block at any address to its floats. Layouts: ggml, src/ggml-common.h and
// gguf-py/gguf/quants.py (the fields in order, without padding, little-endian).
void decode_q4_0(const uint8_t* block, float* out);
void decode_q4_1(const uint8_t* block, float* out);
void decode_q5_0(const uint8_t* block, float* out);
void decode_q5_1(const uint8_t* block, float* out);
void decode_q8_0(const uint8_t* block, float* out);
void decode_q2_k(const uint8_t* block, float* out);
void decode_q3_k(const uint8_t* block, float* out);
void decode_q4_k(const uint8_t* block, float* out);
void decode_q5_k(const uint8_t* block, float* out);
void decode_q6_k(const uint8_t* block, float* out);
void decode_iq1_s(const uint8_t* block, float* out);
void decode_iq1_m(const uint8_t* block, float* out);
void decode_iq2_xxs(const uint8_t* block, float* out);
void decode_iq2_xs(const uint8_t* block, float* out);
void decode_iq2_s(const uint8_t* block, float* out);
void decode_iq3_xxs(const uint8_t* block, float* out);
void decode_iq3_s(const uint8_t* block, float* out);
void decode_iq4_nl(const uint8_t* block, float* out);
void decode_iq4_xs(const uint8_t* block, float* out);
void decode_tq1_0(const uint8_t* block, float* out);
void decode_tq2_0(const uint8_t* block, float* out);
void decode_mxfp4(const uint8_t* block, float* out);
void decode_nvfp4(const uint8_t* block, float* out);

inline uint16_t load_u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | (p[1] << 8)); }

inline uint32_t load_u32(const uint8_t* p) {
  return p[0] | (static_cast<uint32_t>(p[1]) << 8) | (static_cast<uint32_t>(p[2]) << 16) |
         (static_cast<uint32_t>(p[3]) << 24);
}

inline float float_from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// IEEE binary16 to binary32, exact; subnormals, infinities and NaN payloads included. Selects instead of branches, so
/// that loops over it vectorise.
inline float float_from_half(uint16_t half) {
  const uint32_t magnitude = half & 0x7fff;
  const uint32_t normal = (magnitude << 13) + ((127 - 15) << 23);
  const uint32_t subnormal = bits_of_float(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  const uint32_t special = 0x7f800000 | (magnitude << 13);
  const uint32_t finite = magnitude >= 0x0400 ? normal : subnormal;
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  return float_from_bits(sign | (magnitude >= 0x7c00 ? special : finite));
}

/// `value` with its sign flipped where bit j of `signs` is set.
inline float flip_sign(float value, uint32_t signs, int j) {
  return float_from_bits(bits_of_float(value) ^ (((signs >> j) & 1) << 31));
}

inline float load_half(const uint8_t* p) { return float_from_half(load_u16(p)); }

}  // namespace msc::cpu
