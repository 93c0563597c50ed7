#include "tests/cuda/ops/tiled_weights.h"

#include <bit>
#include <cmath>
#include <stdexcept>

#include "cpu/dequantize/dequantize.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/half.h"
#include "tests/ops/harness/weights.h"

namespace cuda_ops {
namespace {

using msc::cuda::SourceRows;
using msc::cuda::WeightSource;

bool is_separate(int32_t format) {
  return format == MSC_FORMAT_U4 || format == MSC_FORMAT_I8 || format == MSC_FORMAT_F8_E4M3;
}

struct Matrix {
  std::vector<std::byte> bytes;
  uint64_t row_bytes;
  std::vector<float> scales;
  std::vector<int16_t> zeros;
  std::vector<float> values;
};

float e4m3(unsigned code) {
  const unsigned exponent = code >> 3 & 15;
  const float mantissa = static_cast<float>(code & 7) / 8.0f;
  const float magnitude = exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1.0f + mantissa, static_cast<int>(exponent) - 7);
  return (code & 128) != 0 ? -magnitude : magnitude;
}

Matrix random_separate(optest::Rng& rng, const WeightSource& source, int64_t rows, int64_t cols, double scale) {
  Matrix m;
  const bool nibbles = source.format == MSC_FORMAT_U4;
  m.row_bytes = static_cast<uint64_t>(nibbles ? cols / 2 : cols);
  const int64_t groups = (cols + source.group_cols - 1) / source.group_cols;
  const double spread = source.format == MSC_FORMAT_U4 ? 4.0 : source.format == MSC_FORMAT_I8 ? 64.0 : 32.0;
  for (int64_t i = 0; i < rows * groups; ++i) {
    float s = static_cast<float>(scale / spread * (0.5 + rng.uniform()));
    if (source.half_scales) {
      s = msc::cuda::ScaleType::kF16 == msc::cuda::tiled_format(source).scale ? std::ldexp(std::nearbyint(std::ldexp(s, 20)), -20) : s;
      s = static_cast<float>(static_cast<int>(s * 1024.0f) + 1) / 1024.0f;  // few bits: float16 holds it
    }
    m.scales.push_back(s);
    if (nibbles || source.has_zero_points) {
      const bool eight = source.zero_is_eight;
      m.zeros.push_back(static_cast<int16_t>(eight ? 8 : nibbles ? rng.integer(0, 16) : rng.integer(-300, 300)));
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < cols; ++k) {
      unsigned code = static_cast<unsigned>(rng.integer(0, nibbles ? 15 : 255));
      if (source.format == MSC_FORMAT_F8_E4M3) {
        code = code & 0xBFu;  // below 2 in magnitude
      }
      const auto group = static_cast<size_t>(r * groups + k / source.group_cols);
      float value = nibbles ? static_cast<float>(code) : source.format == MSC_FORMAT_I8 ? static_cast<float>(static_cast<int8_t>(code)) : e4m3(code);
      value -= m.zeros.empty() ? 0.0f : static_cast<float>(m.zeros[group]);
      m.values.push_back(m.scales[group] * value);
      if (nibbles && k % 2 == 1) {
        m.bytes.back() |= static_cast<std::byte>(code << 4);
      } else {
        m.bytes.push_back(static_cast<std::byte>(code));
      }
    }
  }
  return m;
}

Matrix random_matrix(optest::Rng& rng, const WeightSource& source, int64_t rows, int64_t cols, double scale) {
  if (is_separate(source.format)) {
    return random_separate(rng, source, rows, cols, scale);
  }
  Matrix m;
  if (source.format == MSC_FORMAT_BF16) {
    m.values = rounded(rng.normals(rows * cols, scale), kBf16);
    for (const float value : m.values) {
      const auto bits = std::bit_cast<uint32_t>(value) >> 16;
      m.bytes.push_back(static_cast<std::byte>(bits & 255));
      m.bytes.push_back(static_cast<std::byte>(bits >> 8));
    }
  } else {
    m.bytes = optest::random_blocks(rng, source.format, rows * cols, scale);
    m.values.resize(static_cast<size_t>(rows * cols));
    msc::cpu::dequantize_row(source.format, m.bytes.data(), rows * cols, m.values.data());
  }
  m.row_bytes = m.bytes.size() / static_cast<uint64_t>(rows);
  return m;
}

}  // namespace

const std::vector<WeightKind>& weight_kinds() {
  static const std::vector<WeightKind> kinds = {
      {"bf16", {MSC_FORMAT_BF16, 0, false, false, false}},
      {"q8_0", {MSC_FORMAT_Q8_0, 0, false, false, false}},
      {"q4_0", {MSC_FORMAT_Q4_0, 0, false, false, false}},
      {"q4_1", {MSC_FORMAT_Q4_1, 0, false, false, false}},
      {"q4_k", {MSC_FORMAT_Q4_K, 0, false, false, false}},
      {"q6_k", {MSC_FORMAT_Q6_K, 0, false, false, false}},
      {"gptq_128", {MSC_FORMAT_U4, 128, true, false, false}},
      {"awq_32", {MSC_FORMAT_U4, 32, false, false, false}},
      {"symmetric_64", {MSC_FORMAT_U4, 64, false, true, false}},
      {"int4_row", {MSC_FORMAT_U4, 1 << 20, false, false, false}},
      {"int8_row", {MSC_FORMAT_I8, 1 << 20, false, false, false}},
      {"int8_zeros_128", {MSC_FORMAT_I8, 128, false, false, true}},
      {"fp8_128", {MSC_FORMAT_F8_E4M3, 128, false, false, false}},
      {"fp8_row", {MSC_FORMAT_F8_E4M3, 1 << 20, false, false, false}},
  };
  return kinds;
}

const WeightKind& weight_kind(const std::string& name) {
  for (const WeightKind& kind : weight_kinds()) {
    if (kind.name == name) {
      return kind;
    }
  }
  throw std::logic_error("no weight kind " + name);
}

TiledWeights::TiledWeights(optest::Rng& rng, const WeightKind& kind, int64_t experts, int64_t rows, int64_t cols, double scale)
    : layout_(msc::cuda::lay_out_weight(msc::cuda::tiled_format(kind.source), rows, cols)) {
  std::vector<uint8_t> packed(static_cast<size_t>(experts * layout_.matrix_bytes), 0x5A);
  for (int64_t e = 0; e < experts; ++e) {
    const Matrix m = random_matrix(rng, kind.source, rows, cols, scale);
    values_.insert(values_.end(), m.values.begin(), m.values.end());
    // In two parts, the last one first.
    const int64_t cut = rows / 2 / msc::cuda::kTileRows * msc::cuda::kTileRows;
    for (const auto& [first, count] : {std::pair{cut, rows - cut}, std::pair{int64_t{0}, cut}}) {
      if (count == 0) {
        continue;
      }
      const auto groups = m.scales.size() / static_cast<size_t>(rows);
      const SourceRows part = {m.bytes.data() + static_cast<uint64_t>(first) * m.row_bytes, m.row_bytes,
                               m.scales.empty() ? nullptr : m.scales.data() + static_cast<size_t>(first) * groups,
                               m.zeros.empty() ? nullptr : m.zeros.data() + static_cast<size_t>(first) * groups};
      repack_rows(kind.source, layout_, part, first, count, packed.data() + e * layout_.matrix_bytes);
    }
  }
  memory_ = std::make_unique<cuda_on_cpu::Array<uint8_t>>(kind.name, packed);
}

}  // namespace cuda_ops
