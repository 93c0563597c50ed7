#include "cuda/linear/source_rows.h"

#include <cstring>

#include "cpu/weight/half.h"
#include "moesaic/base.h"

namespace msc::cuda {
namespace {

uint16_t read_half_bits(const std::byte* from) {
  uint16_t bits;
  std::memcpy(&bits, from, 2);
  return bits;
}
float read_half(const std::byte* from) { return cpu::float_of_half(read_half_bits(from)); }

int byte_at(const std::byte* from, int64_t i) { return std::to_integer<int>(from[i]); }

/// A signed code, kept as its low byte.
uint16_t signed_code(int value) { return static_cast<uint16_t>(value & 255); }

void read_q8_0(const std::byte* blocks, int64_t cols, PlainRow* row) {
  for (int64_t k = 0; k < cols; k += 32, blocks += 34) {
    row->scales.push_back(read_half(blocks));
    for (int i = 0; i < 32; ++i) {
      row->codes.push_back(static_cast<uint16_t>(byte_at(blocks, 2 + i)));
    }
  }
}

/// Q4_0 and Q4_1: `halves` float16, then nibbles of columns i (low) and 16 + i.
void read_q4(const std::byte* blocks, int64_t cols, int halves, PlainRow* row) {
  for (int64_t k = 0; k < cols; k += 32, blocks += 2 * halves + 16) {
    row->scales.push_back(read_half(blocks));
    if (halves == 2) {
      row->corrections.push_back(read_half(blocks + 2));
    }
    for (int i = 0; i < 32; ++i) {
      row->codes.push_back(static_cast<uint16_t>(byte_at(blocks, 2 * halves + i % 16) >> (i < 16 ? 0 : 4) & 15));
    }
  }
}

/// d * scale and -dmin * minimum of each 32 columns: products of 11 and 6 bits, which float32 holds exactly.
void read_q4_k(const std::byte* blocks, int64_t cols, PlainRow* row) {
  for (int64_t k = 0; k < cols; k += 256, blocks += 144) {
    const float d = read_half(blocks);
    const float dmin = read_half(blocks + 2);
    const std::byte* packed = blocks + 4;
    for (int j = 0; j < 8; ++j) {
      const int scale = j < 4 ? byte_at(packed, j) & 63 : (byte_at(packed, j + 4) & 15) | byte_at(packed, j - 4) >> 6 << 4;
      const int minimum = j < 4 ? byte_at(packed, j + 4) & 63 : byte_at(packed, j + 4) >> 4 | byte_at(packed, j) >> 6 << 4;
      row->scales.push_back(d * static_cast<float>(scale));
      row->corrections.push_back(-(dmin * static_cast<float>(minimum)));
      for (int i = 0; i < 32; ++i) {
        row->codes.push_back(static_cast<uint16_t>(byte_at(blocks, 16 + 32 * (j / 2) + i) >> (4 * (j % 2)) & 15));
      }
    }
  }
}

/// d * scale of each 16 columns, 11 and 8 bits; codes q - 32.
void read_q6_k(const std::byte* blocks, int64_t cols, PlainRow* row) {
  for (int64_t k = 0; k < cols; k += 256, blocks += 210) {
    const float d = read_half(blocks + 208);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128;
      const int quarter = i % 128 / 32;
      const int low = byte_at(blocks, 64 * half + 32 * (quarter % 2) + i % 32) >> (4 * (quarter / 2)) & 15;
      const int high = byte_at(blocks, 128 + 32 * half + i % 32) >> (2 * quarter) & 3;
      row->codes.push_back(signed_code((low | high << 4) - 32));
      if (i % 16 == 0) {
        row->scales.push_back(d * static_cast<float>(static_cast<int8_t>(byte_at(blocks, 192 + i / 16))));
      }
    }
  }
}

}  // namespace

bool read_block_row(int32_t format, const std::byte* blocks, int64_t cols, PlainRow* row) {
  switch (format) {
    case MSC_FORMAT_Q8_0:
      read_q8_0(blocks, cols, row);
      return true;
    case MSC_FORMAT_Q4_0:
      read_q4(blocks, cols, 1, row);
      return true;
    case MSC_FORMAT_Q4_1:
      read_q4(blocks, cols, 2, row);
      return true;
    case MSC_FORMAT_Q4_K:
      read_q4_k(blocks, cols, row);
      return true;
    case MSC_FORMAT_Q6_K:
      read_q6_k(blocks, cols, row);
      return true;
    default:
      return false;
  }
}

bool read_code_row(int32_t format, const std::byte* source, int64_t cols, PlainRow* row) {
  for (int64_t k = 0; k < cols; ++k) {
    switch (format) {
      case MSC_FORMAT_BF16:
        row->codes.push_back(read_half_bits(source + 2 * k));
        break;
      case MSC_FORMAT_F8_E4M3:
      case MSC_FORMAT_I8:
        row->codes.push_back(static_cast<uint16_t>(byte_at(source, k)));
        break;
      case MSC_FORMAT_U4:
        row->codes.push_back(static_cast<uint16_t>(byte_at(source, k / 2) >> (4 * (k % 2)) & 15));
        break;
      default:
        return false;
    }
  }
  return true;
}

}  // namespace msc::cuda
