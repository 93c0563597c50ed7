// Formats whose scales are kept apart: packing and exact unpacking of rows.
#include <bit>
#include <cstring>

#include "cpu/weight/half.h"
#include "cpu/weight/pack.h"

namespace msc::cpu {
namespace {

/// Bytes of four columns from the 16 bits of a row of nibbles.
uint32_t spread_nibbles(const std::byte* source) {
  uint16_t packed;
  std::memcpy(&packed, source, 2);
  uint32_t word = packed;
  word = (word | word << 8) & 0x00FF00FFu;
  return (word | word << 4) & 0x0F0F0F0Fu;
}

/// f16 bits of an integer of at most 2048 in magnitude, which is exact.
uint16_t half_of_int(int value) {
  if (value == 0) {
    return 0;
  }
  const unsigned magnitude = static_cast<unsigned>(value < 0 ? -value : value);
  const int exponent = 31 - __builtin_clz(magnitude);
  const unsigned mantissa = exponent <= 10 ? magnitude << (10 - exponent) : magnitude >> (exponent - 10);
  return static_cast<uint16_t>((value < 0 ? 0x8000u : 0u) | static_cast<unsigned>(exponent + 15) << 10 |
                               (mantissa & 0x3FFu));
}

/// Where a row of a group has its parts.
struct GroupedLane {
  std::byte* group;
  const PackedLayout& layout;
  unsigned lane;

  std::byte* scale(int64_t index) const { return at(index) + lane * 4; }
  std::byte* zero_point(int64_t index, size_t bytes) const { return at(index) + layout.row_group * 4 + lane * bytes; }
  std::byte* word(int64_t index) const {
    return group + layout.elements_offset + (index * layout.row_group + lane) * 4;
  }

 private:
  std::byte* at(int64_t index) const { return group + index * geometry(layout.format).group_bytes * layout.row_group; }
};

void pack_elements(const GroupedLane& to, const std::byte* source) {
  const int64_t cols = to.layout.cols;
  if (to.layout.format == NativeFormat::kGroupedF8) {
    for (int64_t word = 0; word < cols / 4; ++word, source += 4) {
      const std::byte reordered[4] = {source[0], source[2], source[1], source[3]};
      std::memcpy(to.word(word), reordered, 4);
    }
    return;
  }
  if (to.layout.format == NativeFormat::kGroupedI8) {
    for (int64_t word = 0; word < cols / 4; ++word) {
      std::memcpy(to.word(word), source + word * 4, 4);
    }
    return;
  }
  for (int64_t b = 0; b < cols / 32; ++b, source += 16) {
    for (int c = 0; c < 4; ++c) {
      const uint32_t word = spread_nibbles(source + 2 * c) | spread_nibbles(source + 8 + 2 * c) << 4;
      std::memcpy(to.word(b * 4 + c), &word, 4);
    }
  }
}

void pack_scales(const GroupedLane& to, const float* scales, const int16_t* zero_points) {
  for (int64_t g = 0; g < to.layout.num_scales; ++g) {
    const float scale = to.layout.format == NativeFormat::kGroupedF8 ? scales[g] * 0x1p120f : scales[g];
    std::memcpy(to.scale(g), &scale, 4);
    if (to.layout.format == NativeFormat::kGroupedU4) {
      *to.zero_point(g, 1) = static_cast<std::byte>(zero_points[g]);
    } else if (to.layout.format == NativeFormat::kGroupedI8) {
      const uint16_t half = half_of_int(zero_points[g]);
      std::memcpy(to.zero_point(g, 2), &half, 2);
    }
  }
}

uint32_t read_word(const GroupedLane& from, int64_t index) {
  uint32_t word;
  std::memcpy(&word, from.word(index), 4);
  return word;
}

float value_u4(const GroupedLane& from, int64_t k, int64_t group, float scale) {
  const uint32_t byte = read_word(from, k / 32 * 4 + k % 16 / 4) >> (8 * (k % 4)) & 255;
  const int q = static_cast<int>(k % 32 < 16 ? byte & 15 : byte >> 4);
  return static_cast<float>(q - std::to_integer<int>(*from.zero_point(group, 1))) * scale;
}

float value_i8(const GroupedLane& from, int64_t k, int64_t group, float scale) {
  const auto q = static_cast<int8_t>(read_word(from, k / 4) >> (8 * (k % 4)));
  uint16_t zero;
  std::memcpy(&zero, from.zero_point(group, 2), 2);
  return (static_cast<float>(q) - float_of_half(zero)) * scale;
}

float value_f8(const GroupedLane& from, int64_t k, float scale) {
  constexpr int kShift[4] = {0, 16, 8, 24};
  const uint32_t byte = read_word(from, k / 4) >> kShift[k % 4] & 255;
  return std::bit_cast<float>((byte & 128) << 24 | (byte & 127) << 20) * scale;
}

}  // namespace

void pack_grouped_rows(const PackedLayout& layout, const std::byte* source, uint64_t source_row_bytes,
                       const float* scales, const int16_t* zero_points, std::byte* group, unsigned first_lane,
                       unsigned num_lanes) {
  for (unsigned i = 0; i < num_lanes; ++i) {
    const GroupedLane to{group, layout, first_lane + i};
    pack_elements(to, source + i * source_row_bytes);
    pack_scales(to, scales + i * layout.num_scales, zero_points == nullptr ? nullptr : zero_points + i * layout.num_scales);
  }
}

void unpack_grouped_row(const PackedMatrix& matrix, int64_t row, float* out) {
  const PackedLayout& layout = matrix.layout;
  // Read alone: the writer's addressing serves both ways.
  auto* group = const_cast<std::byte*>(matrix.group(row / layout.row_group));
  const GroupedLane from{group, layout, static_cast<unsigned>(row % layout.row_group)};
  for (int64_t k = 0; k < layout.cols; ++k) {
    const int64_t index = k >> layout.group_shift;
    float scale;
    std::memcpy(&scale, from.scale(index), 4);
    const float value = layout.format == NativeFormat::kGroupedU4   ? value_u4(from, k, index, scale)
                        : layout.format == NativeFormat::kGroupedI8 ? value_i8(from, k, index, scale)
                                                                     : value_f8(from, k, scale);
    out[matrix.permutation == nullptr ? k : matrix.permutation[k]] = value;
  }
}

}  // namespace msc::cpu
