#include "cpu/weight/pack.h"

#include <cstring>

namespace msc::cpu {
namespace {

/// One row's place in its group. `Lanes` is the row group, a constant so that the strides are.
template <unsigned Lanes>
struct Lane {
  std::byte* scales;
  std::byte* elements;
  unsigned lane;

  void put_word(int64_t index, const void* word) const { std::memcpy(elements + (index * Lanes + lane) * 4, word, 4); }
  void put_half(std::byte* halves, const std::byte* source) const { std::memcpy(halves + lane * 2, source, 2); }
};

// The functions below pack blocks [begin, end) of the row that starts at `source`.

template <unsigned Lanes>
void pack_f32(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  for (int64_t k = begin; k < end; ++k) {
    to.put_word(k, source + k * 4);
  }
}

template <unsigned Lanes>
void pack_f16(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  for (int64_t k = begin; k < end; ++k) {
    to.put_half(to.elements + k * Lanes * 2, source + k * 2);
  }
}

/// @param begin even.
template <unsigned Lanes>
void pack_bf16(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  for (int64_t pair = begin / 2; pair < end / 2; ++pair) {
    to.put_word(pair, source + pair * 4);
  }
  if (end % 2 != 0) {
    const std::byte last[4] = {source[end * 2 - 2], source[end * 2 - 1], std::byte{0}, std::byte{0}};
    to.put_word(end / 2, last);
  }
}

/// Q8_0, Q4_0, Q4_1: `Halves` f16 scales, then `Words` words of elements.
template <unsigned Lanes, int Halves, int Words>
void pack_simple(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  constexpr int64_t kBlockBytes = 2 * Halves + 4 * Words;
  source += begin * kBlockBytes;
  for (int64_t b = begin; b < end; ++b, source += kBlockBytes) {
    for (int i = 0; i < Halves; ++i) {
      to.put_half(to.scales + (b * Halves + i) * Lanes * 2, source + 2 * i);
    }
    for (int i = 0; i < Words; ++i) {
      to.put_word(b * Words + i, source + 2 * Halves + 4 * i);
    }
  }
}

/// The fifth bits of columns 4c..4c+3 and 16 + 4c.. (bits 0..3 of `low` and `high`), to bits c and 4 + c of the bytes.
inline uint32_t spread_fifth_bits(uint32_t low, uint32_t high, int c) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) {
    word |= ((low >> i & 1) << c | (high >> i & 1) << (4 + c)) << (8 * i);
  }
  return word;
}

/// Q5_0, Q5_1: `Halves` f16 scales, the fifth bits of 32 elements in order, nibbles as in Q4_0.
template <unsigned Lanes, int Halves>
void pack_q5(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  constexpr int64_t kBlockBytes = 2 * Halves + 20;
  source += begin * kBlockBytes;
  for (int64_t b = begin; b < end; ++b, source += kBlockBytes) {
    for (int i = 0; i < Halves; ++i) {
      to.put_half(to.scales + (b * Halves + i) * Lanes * 2, source + 2 * i);
    }
    uint32_t bits, fifth = 0;
    std::memcpy(&bits, source + 2 * Halves, 4);
    for (int c = 0; c < 4; ++c) {
      to.put_word(b * 5 + c, source + 2 * Halves + 4 + 4 * c);
      fifth |= spread_fifth_bits(bits >> (4 * c), bits >> (16 + 4 * c), c);
    }
    to.put_word(b * 5 + 4, &fifth);
  }
}

/// d, -dmin and the 6-bit pairs of block b of Q4_K and Q5_K.
template <unsigned Lanes>
void pack_k_scales(const Lane<Lanes>& to, const std::byte* source, int64_t b) {
  std::byte* scales = to.scales + b * 20 * Lanes;
  to.put_half(scales, source);
  uint16_t dmin;
  std::memcpy(&dmin, source + 2, 2);
  dmin ^= 0x8000;
  std::memcpy(scales + (Lanes + to.lane) * 2, &dmin, 2);
  uint8_t packed[12];
  std::memcpy(packed, source + 4, 12);
  for (int j = 0; j < 8; ++j) {
    const int scale = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | (packed[j - 4] >> 6 << 4);
    const int minimum = j < 4 ? packed[j + 4] & 63 : (packed[j + 4] >> 4) | (packed[j] >> 6 << 4);
    scales[4 * Lanes + (2 * j) * Lanes + to.lane] = static_cast<std::byte>(scale);
    scales[4 * Lanes + (2 * j + 1) * Lanes + to.lane] = static_cast<std::byte>(minimum);
  }
}

/// Sub-blocks of 32 values in 4 bits, of a 256-value block whose chunk of 32 bytes holds sub-block 2c in its low and
/// 2c + 1 in its high nibbles, become sub-blocks with columns j and j + 16 in one byte.
template <unsigned Lanes>
void pack_q4_k(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 144;
  for (int64_t b = begin; b < end; ++b, source += 144) {
    pack_k_scales(to, source, b);
    for (int chunk = 0; chunk < 4; ++chunk) {
      for (int word = 0; word < 4; ++word) {
        uint32_t first, second;
        std::memcpy(&first, source + 16 + 32 * chunk + 4 * word, 4);
        std::memcpy(&second, source + 16 + 32 * chunk + 16 + 4 * word, 4);
        const uint32_t low = (first & 0x0F0F0F0Fu) | (second & 0x0F0F0F0Fu) << 4;
        const uint32_t high = (first >> 4 & 0x0F0F0F0Fu) | (second & 0xF0F0F0F0u);
        to.put_word((b * 8 + 2 * chunk) * 4 + word, &low);
        to.put_word((b * 8 + 2 * chunk + 1) * 4 + word, &high);
      }
    }
  }
}

/// As Q4_K, with a fifth bit: bit j of byte l (of 32, before the nibbles) belongs to element l of sub-block j.
template <unsigned Lanes>
void pack_q5_k(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 176;
  for (int64_t b = begin; b < end; ++b, source += 176) {
    pack_k_scales(to, source, b);
    for (int sub = 0; sub < 8; ++sub) {
      const std::byte* nibbles = source + 48 + 32 * (sub / 2);
      uint32_t fifth = 0;
      for (int c = 0; c < 4; ++c) {
        uint32_t first, second, low_bits, high_bits;
        std::memcpy(&first, nibbles + 4 * c, 4);
        std::memcpy(&second, nibbles + 16 + 4 * c, 4);
        std::memcpy(&low_bits, source + 16 + 4 * c, 4);
        std::memcpy(&high_bits, source + 16 + 16 + 4 * c, 4);
        const int shift = 4 * (sub % 2);
        const uint32_t word = (first >> shift & 0x0F0F0F0Fu) | (second >> shift & 0x0F0F0F0Fu) << 4;
        to.put_word((b * 8 + sub) * 5 + c, &word);
        fifth |= (low_bits >> sub & 0x01010101u) << c | (high_bits >> sub & 0x01010101u) << (4 + c);
      }
      to.put_word((b * 8 + sub) * 5 + 4, &fifth);
    }
  }
}

/// Word of 4 consecutive 6-bit values of sub-block `sub` (0..7) of a Q6_K block, one a byte.
inline uint32_t q6_k_word(const std::byte* block, int sub, int word) {
  const int half = sub / 4, quarter = sub % 4;
  uint32_t low, high;
  std::memcpy(&low, block + 64 * half + 32 * (quarter % 2) + 4 * word, 4);
  std::memcpy(&high, block + 128 + 32 * half + 4 * word, 4);
  return (low >> (4 * (quarter / 2)) & 0x0F0F0F0Fu) | (high >> (2 * quarter) & 0x03030303u) << 4;
}

template <unsigned Lanes>
void pack_q6_k(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 210;
  for (int64_t b = begin; b < end; ++b, source += 210) {
    std::byte* scales = to.scales + b * 18 * Lanes;
    to.put_half(scales, source + 208);
    for (int sub = 0; sub < 8; ++sub) {
      std::memcpy(scales + 2 * Lanes + (sub * Lanes + to.lane) * 2, source + 192 + 2 * sub, 2);
      uint32_t high[2] = {0, 0};
      for (int word = 0; word < 4; ++word) {
        const uint32_t first = q6_k_word(source, sub, word);
        const uint32_t second = q6_k_word(source, sub, word + 4);
        const uint32_t nibbles = (first & 0x0F0F0F0Fu) | (second & 0x0F0F0F0Fu) << 4;
        to.put_word((b * 8 + sub) * 6 + word, &nibbles);
        high[0] |= (first >> 4 & 0x03030303u) << (2 * word);
        high[1] |= (second >> 4 & 0x03030303u) << (2 * word);
      }
      to.put_word((b * 8 + sub) * 6 + 4, &high[0]);
      to.put_word((b * 8 + sub) * 6 + 5, &high[1]);
    }
  }
}

template <unsigned Lanes>
void pack_mxfp4(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 17;
  for (int64_t b = begin; b < end; ++b, source += 17) {
    to.scales[b * Lanes + to.lane] = source[0];
    for (int i = 0; i < 4; ++i) {
      to.put_word(b * 4 + i, source + 1 + 4 * i);
    }
  }
}

/// Four runs of 16 values, of which the low nibbles are the first eight, become two sub-blocks of 32.
template <unsigned Lanes>
void pack_nvfp4(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 36;
  for (int64_t b = begin; b < end; ++b, source += 36) {
    for (int sub = 0; sub < 2; ++sub) {
      std::byte* pair = to.scales + (4 + 2 * (2 * b + sub)) * Lanes + 2 * to.lane;
      uint32_t runs[2][2];
      for (int half = 0; half < 2; ++half) {
        // A NaN counts as 0; the sign is not used, not even to make one.
        const std::byte scale = source[2 * sub + half];
        pair[half] = scale == std::byte{0x7F} ? std::byte{0} : scale & std::byte{0x7F};
        std::memcpy(runs[half], source + 4 + 8 * (2 * sub + half), 8);
      }
      for (int c = 0; c < 4; ++c) {
        const int shift = c < 2 ? 0 : 4;
        const uint32_t word =
            (runs[0][c % 2] >> shift & 0x0F0F0F0Fu) | (runs[1][c % 2] >> shift & 0x0F0F0F0Fu) << 4;
        to.put_word((2 * b + sub) * 4 + c, &word);
      }
    }
  }
}

template <unsigned Lanes>
void pack_iq4_xs(const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  source += begin * 136;
  for (int64_t b = begin; b < end; ++b, source += 136) {
    std::byte* scales = to.scales + b * 10 * Lanes;
    to.put_half(scales, source);
    uint16_t high;
    std::memcpy(&high, source + 2, 2);
    for (int sub = 0; sub < 8; ++sub) {
      const int low = std::to_integer<int>(source[4 + sub / 2]) >> (4 * (sub % 2)) & 15;
      scales[(2 + sub) * Lanes + to.lane] = static_cast<std::byte>(low | (high >> (2 * sub) & 3) << 4);
      for (int i = 0; i < 4; ++i) {
        to.put_word((b * 8 + sub) * 4 + i, source + 8 + 16 * sub + 4 * i);
      }
    }
  }
}

template <unsigned Lanes>
void pack_blocks(NativeFormat format, const Lane<Lanes>& to, const std::byte* source, int64_t begin, int64_t end) {
  switch (format) {
    case NativeFormat::kF32:
      return pack_f32(to, source, begin, end);
    case NativeFormat::kF16:
      return pack_f16(to, source, begin, end);
    case NativeFormat::kBF16:
      return pack_bf16(to, source, begin, end);
    case NativeFormat::kQ8_0:
      return pack_simple<Lanes, 1, 8>(to, source, begin, end);
    case NativeFormat::kQ4_0:
      return pack_simple<Lanes, 1, 4>(to, source, begin, end);
    case NativeFormat::kQ4_1:
      return pack_simple<Lanes, 2, 4>(to, source, begin, end);
    case NativeFormat::kQ4_K:
      return pack_q4_k(to, source, begin, end);
    case NativeFormat::kQ6_K:
      return pack_q6_k(to, source, begin, end);
    case NativeFormat::kQ5_0:
      return pack_q5<Lanes, 1>(to, source, begin, end);
    case NativeFormat::kQ5_1:
      return pack_q5<Lanes, 2>(to, source, begin, end);
    case NativeFormat::kQ5_K:
      return pack_q5_k(to, source, begin, end);
    case NativeFormat::kMXFP4:
      return pack_mxfp4(to, source, begin, end);
    case NativeFormat::kNVFP4:
      return pack_nvfp4(to, source, begin, end);
    case NativeFormat::kIQ4_NL:
      return pack_simple<Lanes, 1, 4>(to, source, begin, end);
    case NativeFormat::kIQ4_XS:
      return pack_iq4_xs(to, source, begin, end);
    case NativeFormat::kGroupedU4:
    case NativeFormat::kGroupedI8:
    case NativeFormat::kGroupedF8:
      return;  // pack_grouped_rows
  }
}

/// Columns of all rows that are packed before the next ones, so that a line of the target is filled while it is cached.
constexpr int64_t kChunkColumns = 256;

template <unsigned Lanes>
void pack(const PackedLayout& layout, const std::byte* source, uint64_t source_row_bytes, std::byte* group,
          unsigned first_lane, unsigned num_lanes) {
  const int64_t blocks = layout.cols / geometry(layout.format).elements;
  const int64_t chunk = kChunkColumns / geometry(layout.format).elements;
  for (int64_t begin = 0; begin < blocks; begin += chunk) {
    const int64_t end = begin + chunk < blocks ? begin + chunk : blocks;
    for (unsigned i = 0; i < num_lanes; ++i) {
      const Lane<Lanes> to{group, group + layout.elements_offset, first_lane + i};
      pack_blocks(layout.format, to, source + i * source_row_bytes, begin, end);
    }
  }
}

}  // namespace

void pack_rows(const PackedLayout& layout, const std::byte* source, uint64_t source_row_bytes, std::byte* group,
               unsigned first_lane, unsigned num_lanes) {
  if (layout.row_group == 16) {
    pack<16>(layout, source, source_row_bytes, group, first_lane, num_lanes);
  } else {
    pack<8>(layout, source, source_row_bytes, group, first_lane, num_lanes);
  }
}

void set_row_factors(const PackedLayout& layout, float factor, std::byte* group, unsigned first_lane, unsigned num_lanes) {
  if (geometry(layout.format).has_factor) {
    for (unsigned i = 0; i < num_lanes; ++i) {
      std::memcpy(group + (first_lane + i) * sizeof(float), &factor, sizeof(float));
    }
  }
}

}  // namespace msc::cpu
