#include <cmath>
#include <cstring>
#include <stdexcept>

#include "tests/ops/harness/half.h"
#include "tests/ops/harness/weights.h"

namespace optest {
namespace {

/// Where a format keeps its float16 scales, and the largest magnitude of scale-times-quant without them, so that a block
/// with d = 1 / magnitude has elements of order one. Layouts: ggml-common.h.
struct BlockLayout {
  int32_t format;
  const char* name;
  int elements, bytes;
  int d, second;     // byte offsets of float16 fields; -1: none
  double magnitude;
};

constexpr BlockLayout kLayouts[] = {
    {MSC_FORMAT_F32, "f32", 1, 4, -1, -1, 1},
    {MSC_FORMAT_F16, "f16", 1, 2, -1, -1, 1},
    {MSC_FORMAT_BF16, "bf16", 1, 2, -1, -1, 1},
    {MSC_FORMAT_Q4_0, "q4_0", 32, 18, 0, -1, 8},
    {MSC_FORMAT_Q4_1, "q4_1", 32, 20, 0, 2, 15},
    {MSC_FORMAT_Q5_0, "q5_0", 32, 22, 0, -1, 16},
    {MSC_FORMAT_Q5_1, "q5_1", 32, 24, 0, 2, 31},
    {MSC_FORMAT_Q8_0, "q8_0", 32, 34, 0, -1, 128},
    {MSC_FORMAT_Q2_K, "q2_k", 256, 84, 80, 82, 3 * 15},
    {MSC_FORMAT_Q3_K, "q3_k", 256, 110, 108, -1, 4 * 32},
    {MSC_FORMAT_Q4_K, "q4_k", 256, 144, 0, 2, 15 * 63},
    {MSC_FORMAT_Q5_K, "q5_k", 256, 176, 0, 2, 31 * 63},
    {MSC_FORMAT_Q6_K, "q6_k", 256, 210, 208, -1, 32 * 128},
    {MSC_FORMAT_IQ2_XXS, "iq2_xxs", 256, 66, 0, -1, 43 * 4},
    {MSC_FORMAT_IQ2_XS, "iq2_xs", 256, 74, 0, -1, 43 * 4},
    {MSC_FORMAT_IQ2_S, "iq2_s", 256, 82, 0, -1, 43 * 4},
    {MSC_FORMAT_IQ3_XXS, "iq3_xxs", 256, 98, 0, -1, 62 * 8},
    {MSC_FORMAT_IQ3_S, "iq3_s", 256, 110, 0, -1, 15 * 31},
    {MSC_FORMAT_IQ1_S, "iq1_s", 256, 50, 0, -1, 15 * 1.125},
    {MSC_FORMAT_IQ1_M, "iq1_m", 256, 56, -1, -1, 15 * 1.125},
    {MSC_FORMAT_IQ4_NL, "iq4_nl", 32, 18, 0, -1, 127},
    {MSC_FORMAT_IQ4_XS, "iq4_xs", 256, 136, 0, -1, 127 * 32},
    {MSC_FORMAT_TQ1_0, "tq1_0", 256, 54, 52, -1, 1},
    {MSC_FORMAT_TQ2_0, "tq2_0", 256, 66, 64, -1, 1},
    {MSC_FORMAT_MXFP4, "mxfp4", 32, 17, -1, -1, 6},
    {MSC_FORMAT_NVFP4, "nvfp4", 64, 36, -1, -1, 6},
};

const BlockLayout& layout_of(int32_t format) {
  for (const BlockLayout& layout : kLayouts) {
    if (layout.format == format) {
      return layout;
    }
  }
  throw std::logic_error("no random blocks for format " + std::to_string(format));
}

void put_half(std::byte* block, int offset, double value) {
  const uint16_t bits = float_to_half(static_cast<float>(value));
  std::memcpy(block + offset, &bits, sizeof(bits));
}

/// A scale of either sign around `scale`, or zero.
double random_scale(Rng& rng, double scale, Fill fill) {
  if (fill == Fill::kZero) {
    return 0;
  }
  const double magnitude = fill == Fill::kExtreme ? scale : scale * (0.5 + rng.uniform());
  return rng.integer(0, 7) == 0 ? -magnitude : magnitude;
}

/// IQ1_M spreads one float16 over the top four bits of its four scale words.
void put_iq1m_scale(std::byte* block, double value) {
  const uint16_t bits = float_to_half(static_cast<float>(value));
  for (int i = 0; i < 4; ++i) {
    uint16_t word;
    std::memcpy(&word, block + 48 + 2 * i, sizeof(word));
    word = static_cast<uint16_t>((word & 0x0fff) | (((bits >> (4 * i)) & 0xf) << 12));
    std::memcpy(block + 48 + 2 * i, &word, sizeof(word));
  }
}

void fill_float(Rng& rng, const BlockLayout& layout, std::byte* target, double scale, Fill fill) {
  const double extreme = rng.integer(0, 1) == 0 ? -scale : scale;
  const double value = fill == Fill::kZero ? 0 : fill == Fill::kExtreme ? extreme : scale * rng.normal();
  const float single = static_cast<float>(value);
  if (layout.bytes == 4) {
    std::memcpy(target, &single, sizeof(single));
    return;
  }
  const uint16_t bits = layout.format == MSC_FORMAT_F16 ? float_to_half(single) : float_to_bf16(single);
  std::memcpy(target, &bits, sizeof(bits));
}

void fill_block(Rng& rng, const BlockLayout& layout, std::byte* block, double scale, Fill fill) {
  for (int i = 0; i < layout.bytes; ++i) {
    const auto random = static_cast<unsigned char>(rng.bits());
    // Nibbles, pairs of bits and whole bytes alike become extreme values: 0x00, 0xff, 0x80, 0x7f.
    constexpr unsigned char kExtremes[] = {0x00, 0xff, 0x80, 0x7f};
    block[i] = std::byte{fill == Fill::kExtreme ? kExtremes[random & 3] : random};
  }
  const double d = scale / layout.magnitude;
  if (layout.d >= 0) {
    put_half(block, layout.d, random_scale(rng, d, fill));
  }
  if (layout.second >= 0) {
    put_half(block, layout.second, random_scale(rng, layout.elements == 32 ? scale / 2 : d, fill));
  }
  if (layout.format == MSC_FORMAT_IQ1_M) {
    put_iq1m_scale(block, random_scale(rng, d, fill));
  }
  if (layout.format == MSC_FORMAT_MXFP4) {
    // Exponent bytes: 2^(e - 127).
    const int exponent = 127 + static_cast<int>(std::floor(std::log2(d)));
    block[0] = std::byte{static_cast<unsigned char>(exponent + rng.integer(0, 1))};
    if (fill == Fill::kZero) {
      std::memset(block + 1, 0, 16);  // no exponent stands for zero
    }
  }
  if (layout.format == MSC_FORMAT_NVFP4) {
    for (int i = 0; i < 4; ++i) {
      // Unsigned e4m3 without its NaN.
      const auto random = static_cast<unsigned char>(rng.integer(0x28, 0x40));
      block[i] = std::byte{static_cast<unsigned char>(fill == Fill::kZero ? 0 : random)};
    }
  }
}

}  // namespace

std::vector<std::byte> random_blocks(Rng& rng, int32_t format, int64_t count, double scale, Fill fill) {
  const BlockLayout& layout = layout_of(format);
  if (count % layout.elements != 0) {
    throw std::logic_error("elements are not a multiple of the block");
  }
  const int64_t blocks = count / layout.elements;
  std::vector<std::byte> data(static_cast<size_t>(blocks * layout.bytes));
  for (int64_t b = 0; b < blocks; ++b) {
    std::byte* block = data.data() + b * layout.bytes;
    if (layout.elements == 1) {
      fill_float(rng, layout, block, scale, fill);
    } else {
      fill_block(rng, layout, block, scale, fill);
    }
  }
  return data;
}

std::string format_name(int32_t format) {
  for (const BlockLayout& layout : kLayouts) {
    if (layout.format == format) {
      return layout.name;
    }
  }
  return "format_" + std::to_string(format);
}

const std::vector<int32_t>& all_weight_formats() {
  static const std::vector<int32_t> formats = [] {
    std::vector<int32_t> list;
    for (const BlockLayout& layout : kLayouts) {
      list.push_back(layout.format);
    }
    return list;
  }();
  return formats;
}

}  // namespace optest
