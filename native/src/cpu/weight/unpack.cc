#include <cstring>

#include "cpu/dequantize/code_tables.h"
#include "cpu/weight/half.h"
#include "cpu/weight/pack.h"

namespace msc::cpu {
namespace {

/// One row read back from its lane.
struct LaneReader {
  const std::byte* scales;
  const std::byte* elements;
  unsigned lanes;
  unsigned lane;

  uint32_t word(int64_t index) const {
    uint32_t value;
    std::memcpy(&value, elements + (index * lanes + lane) * 4, 4);
    return value;
  }
  static uint16_t bits16(const std::byte* at) {
    uint16_t value;
    std::memcpy(&value, at, 2);
    return value;
  }
  float half(const std::byte* halves) const { return float_of_half(bits16(halves + lane * 2)); }
};

void unpack_f32(const LaneReader& from, int64_t cols, float* out) {
  for (int64_t k = 0; k < cols; ++k) {
    const uint32_t bits = from.word(k);
    std::memcpy(out + k, &bits, 4);
  }
}

void unpack_f16(const LaneReader& from, int64_t cols, float* out) {
  for (int64_t k = 0; k < cols; ++k) {
    out[k] = from.half(from.elements + k * from.lanes * 2);
  }
}

void unpack_bf16(const LaneReader& from, int64_t cols, float* out) {
  for (int64_t k = 0; k < cols; ++k) {
    out[k] = float_of_bf16(static_cast<uint16_t>(from.word(k / 2) >> (16 * (k % 2))));
  }
}

void unpack_q8_0(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, out += 32) {
    const float d = from.half(from.scales + b * from.lanes * 2);
    for (int j = 0; j < 32; ++j) {
      out[j] = d * static_cast<float>(static_cast<int8_t>(from.word(b * 8 + j / 4) >> (8 * (j % 4))));
    }
  }
}

/// out = d q + m over 32 nibbles; d q is exact, so the sum rounds once.
void unpack_nibbles(const LaneReader& from, int64_t sub_block, float d, float m, float* out) {
  for (int j = 0; j < 16; ++j) {
    const uint32_t byte = from.word(sub_block * 4 + j / 4) >> (8 * (j % 4));
    out[j] = d * static_cast<float>(byte & 15) + m;
    out[j + 16] = d * static_cast<float>(byte >> 4 & 15) + m;
  }
}

void unpack_q4_0(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, out += 32) {
    const float d = from.half(from.scales + b * from.lanes * 2);
    for (int j = 0; j < 16; ++j) {
      const int byte = static_cast<int>(from.word(b * 4 + j / 4) >> (8 * (j % 4)) & 255);
      out[j] = d * static_cast<float>((byte & 15) - 8);
      out[j + 16] = d * static_cast<float>((byte >> 4) - 8);
    }
  }
}

void unpack_q4_1(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* scales = from.scales + b * from.lanes * 4;
    unpack_nibbles(from, b, from.half(scales), from.half(scales + from.lanes * 2), out + b * 32);
  }
}

/// 5-bit values of a sub-block of five words.
void read_five_bits(const LaneReader& from, int64_t sub_block, float (&q)[32]) {
  const uint32_t fifth = from.word(sub_block * 5 + 4);
  for (int j = 0; j < 16; ++j) {
    const uint32_t byte = from.word(sub_block * 5 + j / 4) >> (8 * (j % 4));
    const uint32_t bits = fifth >> (8 * (j % 4) + j / 4);
    q[j] = static_cast<float>((byte & 15) | (bits & 1) << 4);
    q[j + 16] = static_cast<float>((byte >> 4 & 15) | (bits >> 4 & 1) << 4);
  }
}

/// out = d q + m over 32 values of 5 bits; see unpack_nibbles.
void unpack_five_bits(const LaneReader& from, int64_t sub_block, float d, float m, float* out) {
  float q[32];
  read_five_bits(from, sub_block, q);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * q[j] + m;
  }
}

void unpack_q5_0(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, out += 32) {
    const float d = from.half(from.scales + b * from.lanes * 2);
    float q[32];
    read_five_bits(from, b, q);
    for (int j = 0; j < 32; ++j) {
      out[j] = d * (q[j] - 16.0f);
    }
  }
}

void unpack_q5_1(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* scales = from.scales + b * from.lanes * 4;
    unpack_five_bits(from, b, from.half(scales), from.half(scales + from.lanes * 2), out + b * 32);
  }
}

/// Blocks of 8 sub-blocks with 6-bit scales and minima: Q4_K, Q5_K.
template <auto UnpackSubBlock>
void unpack_k(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* scales = from.scales + b * from.lanes * 20;
    const float d = from.half(scales);
    const float negative_dmin = from.half(scales + from.lanes * 2);
    for (int j = 0; j < 8; ++j) {
      const std::byte* pair = scales + (4 + 2 * j) * from.lanes + from.lane;
      const float scale = static_cast<float>(std::to_integer<int>(pair[0]));
      const float minimum = static_cast<float>(std::to_integer<int>(pair[from.lanes]));
      UnpackSubBlock(from, b * 8 + j, d * scale, negative_dmin * minimum, out + b * 256 + j * 32);
    }
  }
}

void unpack_q6_k(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* scales = from.scales + b * from.lanes * 18;
    const float d = from.half(scales);
    for (int j = 0; j < 8; ++j, out += 32) {
      const int64_t words = (b * 8 + j) * 6;
      for (int i = 0; i < 32; ++i) {
        const uint32_t nibble = from.word(words + i % 16 / 4) >> (8 * (i % 4) + 4 * (i / 16)) & 15;
        const uint32_t high = from.word(words + 4 + i / 16) >> (8 * (i % 4) + 2 * (i % 16 / 4)) & 3;
        const auto scale = static_cast<int8_t>(scales[2 * from.lanes + (j * from.lanes + from.lane) * 2 + i / 16]);
        out[i] = d * static_cast<float>(scale) * static_cast<float>(static_cast<int>(nibble | high << 4) - 32);
      }
    }
  }
}

/// 32 codes as the values of a table, times the scales of both halves.
void unpack_codes(const LaneReader& from, int64_t sub_block, const int8_t* values, float first, float second, float* out) {
  for (int j = 0; j < 16; ++j) {
    const uint32_t byte = from.word(sub_block * 4 + j / 4) >> (8 * (j % 4));
    out[j] = static_cast<float>(values[byte & 15]) * first;
    out[j + 16] = static_cast<float>(values[byte >> 4 & 15]) * second;
  }
}

void unpack_mxfp4(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const float scale = half_of_e8m0(std::to_integer<uint8_t>(from.scales[b * from.lanes + from.lane]));
    unpack_codes(from, b, kTwiceE2m1, scale, scale, out + b * 32);
  }
}

/// A row's factor is applied last, as the kernels do.
void unpack_nvfp4(const LaneReader& from, int64_t blocks, float* out) {
  float factor;
  std::memcpy(&factor, from.scales + from.lane * 4, 4);
  for (int64_t b = 0; b < 2 * blocks; ++b) {
    const std::byte* pair = from.scales + (4 + 2 * b) * from.lanes + 2 * from.lane;
    // With the sign, which is not used, no code is a NaN; packing has taken those out.
    unpack_codes(from, b, kTwiceE2m1, half_of_ue4m3(std::to_integer<uint8_t>(pair[0] | std::byte{0x80})),
                 half_of_ue4m3(std::to_integer<uint8_t>(pair[1] | std::byte{0x80})), out + b * 32);
  }
  for (int64_t i = 0; i < 64 * blocks; ++i) {
    out[i] *= factor;
  }
}

void unpack_iq4_nl(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    const float d = from.half(from.scales + b * from.lanes * 2);
    unpack_codes(from, b, kIq4Values, d, d, out + b * 32);
  }
}

void unpack_iq4_xs(const LaneReader& from, int64_t blocks, float* out) {
  for (int64_t b = 0; b < 8 * blocks; ++b) {
    const std::byte* super = from.scales + b / 8 * from.lanes * 10;
    const int scale = std::to_integer<int>(super[(2 + b % 8) * from.lanes + from.lane]) - 32;
    const float d = from.half(super) * static_cast<float>(scale);
    unpack_codes(from, b, kIq4Values, d, d, out + b * 32);
  }
}

}  // namespace

void unpack_row(const PackedMatrix& matrix, int64_t row, float* out) {
  const PackedLayout& layout = matrix.layout;
  const std::byte* group = matrix.group(row / layout.row_group);
  const LaneReader from{group, group + layout.elements_offset, layout.row_group,
                        static_cast<unsigned>(row % layout.row_group)};
  const int64_t blocks = layout.cols / geometry(layout.format).elements;
  switch (layout.format) {
    case NativeFormat::kF32:
      return unpack_f32(from, blocks, out);
    case NativeFormat::kF16:
      return unpack_f16(from, blocks, out);
    case NativeFormat::kBF16:
      return unpack_bf16(from, blocks, out);
    case NativeFormat::kQ8_0:
      return unpack_q8_0(from, blocks, out);
    case NativeFormat::kQ4_0:
      return unpack_q4_0(from, blocks, out);
    case NativeFormat::kQ4_1:
      return unpack_q4_1(from, blocks, out);
    case NativeFormat::kQ4_K:
      return unpack_k<unpack_nibbles>(from, blocks, out);
    case NativeFormat::kQ6_K:
      return unpack_q6_k(from, blocks, out);
    case NativeFormat::kQ5_0:
      return unpack_q5_0(from, blocks, out);
    case NativeFormat::kQ5_1:
      return unpack_q5_1(from, blocks, out);
    case NativeFormat::kQ5_K:
      return unpack_k<unpack_five_bits>(from, blocks, out);
    case NativeFormat::kMXFP4:
      return unpack_mxfp4(from, blocks, out);
    case NativeFormat::kNVFP4:
      return unpack_nvfp4(from, blocks, out);
    case NativeFormat::kIQ4_NL:
      return unpack_iq4_nl(from, blocks, out);
    case NativeFormat::kIQ4_XS:
      return unpack_iq4_xs(from, blocks, out);
    case NativeFormat::kGroupedU4:
    case NativeFormat::kGroupedI8:
    case NativeFormat::kGroupedF8:
      return unpack_grouped_row(matrix, row, out);
  }
}

}  // namespace msc::cpu
