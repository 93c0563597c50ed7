#pragma once

#include <array>
#include <cstdint>

#include "cpu/dequantize/code_tables.h"
#include "cpu/linear/int8_driver.h"

namespace msc::cpu {

// Tables of the values of 4-bit codes, and what stands for a look-up where the instruction set has none (V::kHasLookup):
// arithmetic, or the values of both codes of each byte in 16 bits.

struct TableE2m1 {
  static constexpr const int8_t* values() { return kTwiceE2m1; }
  template <class V>
  MSC_ALWAYS_INLINE static typename V::Int compute(typename V::Int codes) { return V::twice_e2m1(codes); }
};

/// The values plus 12, which are unsigned.
struct TableRaisedE2m1 {
  static constexpr int8_t kValues[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
  static constexpr const int8_t* values() { return kValues; }
  template <class V>
  MSC_ALWAYS_INLINE static typename V::Int compute(typename V::Int codes) {
    return V::add_bytes(V::twice_e2m1(codes), V::splat(0x0C0C0C0Cu));
  }
};

struct TableIq4 {
  static constexpr const int8_t* values() { return kIq4Values; }
  static constexpr std::array<uint16_t, 256> kPairs = [] {
    std::array<uint16_t, 256> pairs{};
    for (int i = 0; i < 256; ++i) {
      pairs[i] = static_cast<uint16_t>(static_cast<uint8_t>(kIq4Values[i & 15]) | static_cast<uint8_t>(kIq4Values[i >> 4]) << 8);
    }
    return pairs;
  }();
};

/// Values of the codes in words of 8 nibbles.
template <class V, class Table>
class CodeValues {
 public:
  using Int = typename V::Int;

  MSC_ALWAYS_INLINE CodeValues() {
    if constexpr (V::kHasLookup) {
      table_ = V::broadcast_table(Table::values());
    }
  }

  /// Of the low (Half 0) or high nibbles.
  template <int Half>
  MSC_ALWAYS_INLINE Int half(Int packed) const {
    const Int codes = V::bit_and(Half == 0 ? packed : V::template shift_right<4>(packed), V::splat(0x0F0F0F0Fu));
    if constexpr (V::kHasLookup) {
      return V::lookup(table_, codes);
    } else {
      return Table::template compute<V>(codes);
    }
  }
  MSC_ALWAYS_INLINE void both(Int packed, Int& low, Int& high) const {
    if constexpr (!V::kHasLookup && requires { Table::kPairs; }) {
      V::look_up_pairs(Table::kPairs.data(), packed, low, high);
    } else {
      low = half<0>(packed);
      high = half<1>(packed);
    }
  }

 private:
  Int table_;
};

/// Scales of the two halves of a sub-block, for each row of a group.
template <class V>
struct HalfScales {
  typename V::Float first;
  typename V::Float second;
};

struct ScalesMXFP4 {
  using Table = TableE2m1;
  static constexpr bool kOfHalves = false;
  static constexpr bool kHasFactor = false;
  static constexpr int64_t kBytesOf8Blocks = 8;  // of one row
  /// Half of 2^(e - 127). Weights of exponent 0, all below 2^-124, count as 0.
  template <class V>
  MSC_ALWAYS_INLINE static HalfScales<V> load(const std::byte* scales, int64_t block) {
    const auto bits = V::template shift_left<23>(V::load_u8_words(scales + block * V::kLanes));
    const auto scale = V::mul(V::as_float(bits), V::set1(0.5f));
    return {scale, scale};
  }
};

struct ScalesNVFP4 {
  using Table = TableE2m1;
  static constexpr bool kOfHalves = true;
  static constexpr bool kHasFactor = true;
  static constexpr int64_t kBytesOf8Blocks = 16;
  /// Half of the E4M3 scales: their bits, as float bits, are the value times 2^-120, subnormal ones too.
  template <class V>
  MSC_ALWAYS_INLINE static HalfScales<V> load(const std::byte* scales, int64_t block) {
    const auto pairs = V::load_i8_pairs(scales + (4 + block * 2) * V::kLanes);
    const auto first = V::template shift_left<20>(V::bit_and(pairs, V::splat(0x7F)));
    const auto second = V::template shift_left<4>(V::bit_and(pairs, V::splat(0x7F0000)));
    const auto power = V::set1(0x1p119f);
    return {V::mul(V::as_float(first), power), V::mul(V::as_float(second), power)};
  }
  /// Of each row, for all its columns.
  template <class V>
  MSC_ALWAYS_INLINE static typename V::Float factor(const std::byte* scales) {
    return V::load(reinterpret_cast<const float*>(scales));
  }
};

struct ScalesIQ4_NL {
  using Table = TableIq4;
  static constexpr bool kHasFactor = false;
  static constexpr int64_t kBytesOf8Blocks = 16;
  template <class V>
  MSC_ALWAYS_INLINE static HalfScales<V> load(const std::byte* scales, int64_t block) {
    const auto d = V::load_half(scales + block * V::kLanes * 2);
    return {d, d};
  }
};

struct ScalesIQ4_XS {
  using Table = TableIq4;
  static constexpr bool kHasFactor = false;
  static constexpr int64_t kBytesOf8Blocks = 10;
  template <class V>
  MSC_ALWAYS_INLINE static HalfScales<V> load(const std::byte* scales, int64_t block) {
    const std::byte* super = scales + block / 8 * V::kLanes * 10;
    const auto six_bits = V::add(V::load_u8(super + V::kLanes * (2 + block % 8)), V::set1(-32.0f));
    const auto scale = V::mul(V::load_half(super), six_bits);
    return {scale, scale};
  }
};

}  // namespace msc::cpu
