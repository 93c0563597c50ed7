#pragma once

#include <bit>
#include <cstdint>

namespace msc::cpu {
namespace {

/// IEEE binary16 bits to float32, exact. (Internal linkage: this header is also compiled for higher instruction sets.)
[[maybe_unused]] float float_of_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00) {
    return std::bit_cast<float>(sign | 0x7F800000u | (magnitude << 13));
  }
  // As float bits, exponent and mantissa are the value times 2^-112; subnormals come out right as well.
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
}

[[maybe_unused]] float float_of_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace
}  // namespace msc::cpu
