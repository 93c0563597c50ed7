#include "cuda/linear/repack.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "cpu/weight/half.h"
#include "cuda/device/plan.h"
#include "cuda/linear/source_rows.h"
#include "moesaic/base.h"

namespace msc::cuda {
namespace {

struct FormatName {
  int32_t format;
  const char* name;
};
constexpr FormatName kNames[] = {
    {MSC_FORMAT_F32, "F32"},         {MSC_FORMAT_F16, "F16"},         {MSC_FORMAT_Q5_0, "Q5_0"},       {MSC_FORMAT_Q5_1, "Q5_1"},
    {MSC_FORMAT_Q2_K, "Q2_K"},       {MSC_FORMAT_Q3_K, "Q3_K"},       {MSC_FORMAT_Q5_K, "Q5_K"},       {MSC_FORMAT_IQ2_XXS, "IQ2_XXS"},
    {MSC_FORMAT_IQ2_XS, "IQ2_XS"},   {MSC_FORMAT_IQ3_XXS, "IQ3_XXS"}, {MSC_FORMAT_IQ1_S, "IQ1_S"},     {MSC_FORMAT_IQ4_NL, "IQ4_NL"},
    {MSC_FORMAT_IQ3_S, "IQ3_S"},     {MSC_FORMAT_IQ2_S, "IQ2_S"},     {MSC_FORMAT_IQ4_XS, "IQ4_XS"},   {MSC_FORMAT_IQ1_M, "IQ1_M"},
    {MSC_FORMAT_TQ1_0, "TQ1_0"},     {MSC_FORMAT_TQ2_0, "TQ2_0"},     {MSC_FORMAT_MXFP4, "MXFP4"},     {MSC_FORMAT_NVFP4, "NVFP4"},
};

[[noreturn]] void refuse(int32_t format) {
  for (const FormatName& known : kNames) {
    if (known.format == format) {
      throw_error(MSC_STATUS_BAD_ARGUMENT,
                  "CUDA kernels do not run %s weights: use BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q6_K, GPTQ, AWQ, compressed-tensors "
                  "or FP8, or the CPU backend",
                  known.name);
    }
  }
  throw_error(MSC_STATUS_BAD_ARGUMENT, "weight format %d is no format of weights that CUDA kernels run", format);
}

bool has_separate_scales(int32_t format) {
  return format == MSC_FORMAT_U4 || format == MSC_FORMAT_I8 || format == MSC_FORMAT_F8_E4M3;
}

/// Elements and bytes of a block of the source.
void block_of(int32_t format, int64_t* elements, int64_t* bytes) {
  switch (format) {
    case MSC_FORMAT_Q8_0:
      *elements = 32, *bytes = 34;
      return;
    case MSC_FORMAT_Q4_0:
      *elements = 32, *bytes = 18;
      return;
    case MSC_FORMAT_Q4_1:
      *elements = 32, *bytes = 20;
      return;
    case MSC_FORMAT_Q4_K:
      *elements = 256, *bytes = 144;
      return;
    case MSC_FORMAT_Q6_K:
      *elements = 256, *bytes = 210;
      return;
    case MSC_FORMAT_U4:
      *elements = 2, *bytes = 1;
      return;
    default:
      *elements = 1, *bytes = format == MSC_FORMAT_BF16 ? 2 : 1;
  }
}

/// float16 bits of a value that it holds exactly; else Error.
uint16_t exact_half(float value, int64_t row) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const int exponent = static_cast<int>(bits >> 23 & 255) - 127;
  const uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000;
  uint32_t half = bits >> 16 & 0x8000;
  if (exponent >= -14 && exponent <= 15) {
    half |= static_cast<uint32_t>(exponent + 15) << 10 | (bits >> 13 & 0x3FF);
  } else if (exponent < -14 && exponent >= -24) {
    half |= mantissa >> (-exponent - 1);
  }
  MSC_CHECK_ARGUMENT(cpu::float_of_half(static_cast<uint16_t>(half)) == value,
                     "weight: row %lld has the scale or zero point %g, which float16 does not hold exactly: ask for float32 scales",
                     static_cast<long long>(row), static_cast<double>(value));
  return static_cast<uint16_t>(half);
}

/// The matrix as bytes, addressed as tiled_weight.h says.
class Tiles {
 public:
  Tiles(const TiledLayout& layout, void* matrix) : layout_(layout), matrix_(static_cast<uint8_t*>(matrix)) {}

  void clear(int64_t tile) const {
    std::memset(matrix_ + tile * layout_.steps * layout_.step_bytes, 0, static_cast<size_t>(layout_.steps * layout_.step_bytes));
    std::memset(scales(tile, 0), 0, static_cast<size_t>(layout_.groups * layout_.group_bytes));
  }

  void set_code(int64_t row, int64_t col, uint16_t code) const {
    const Place at = place(row, col);
    if (layout_.format.code == WeightCode::kBf16) {
      std::memcpy(at.bytes, &code, 2);
    } else {
      *at.bytes = static_cast<uint8_t>(*at.bytes | static_cast<unsigned>(code) << at.shift);
    }
  }
  uint16_t code(int64_t row, int64_t col) const {
    const Place at = place(row, col);
    if (layout_.format.code == WeightCode::kBf16) {
      uint16_t bits;
      std::memcpy(&bits, at.bytes, 2);
      return bits;
    }
    return is_nibble(layout_.format.code) ? static_cast<uint16_t>(*at.bytes >> at.shift & 15) : *at.bytes;
  }

  /// @param which 0: the scale, 1: the correction.
  void set_number(int64_t row, int64_t group, int which, float value) const {
    if (layout_.format.scale == ScaleType::kF32) {
      std::memcpy(number(row, group, which), &value, 4);
    } else {
      const uint16_t half = exact_half(value, row);
      std::memcpy(number(row, group, which), &half, 2);
    }
  }
  float number_of(int64_t row, int64_t group, int which) const {
    float value;
    uint16_t half;
    if (layout_.format.scale == ScaleType::kF32) {
      std::memcpy(&value, number(row, group, which), 4);
      return value;
    }
    std::memcpy(&half, number(row, group, which), 2);
    return cpu::float_of_half(half);
  }

 private:
  struct Place {
    uint8_t* bytes;
    int shift;
  };
  Place place(int64_t row, int64_t col) const {
    uint8_t* const step = matrix_ + (row / kTileRows * layout_.steps + col / kStepCols) * layout_.step_bytes;
    const int64_t j = col % kStepCols / 16;
    const int64_t lane = row % 8 * 4 + col % 16 / 4;
    const int64_t part = row % kTileRows / 8 + col % 4 / 2 * 2;  // a0 .. a3
    const int64_t high = col % 2;
    switch (layout_.format.code) {
      case WeightCode::kBf16:
        return {step + j * 512 + lane * 16 + part * 4 + high * 2, 0};
      case WeightCode::kF8E4M3:
      case WeightCode::kI8:
        return {step + j / 2 * 512 + lane * 16 + j % 2 * 8 + part * 2 + high, 0};
      default: {
        const int64_t nibble = part + high * 4;
        return {step + lane * 16 + j * 4 + nibble / 2, static_cast<int>(nibble % 2 * 4)};
      }
    }
  }
  uint8_t* scales(int64_t tile, int64_t group) const {
    return matrix_ + layout_.scales_offset + (tile * layout_.groups + group) * layout_.group_bytes;
  }
  uint8_t* number(int64_t row, int64_t group, int which) const {
    const int64_t bytes = layout_.format.scale == ScaleType::kF32 ? 4 : 2;
    return scales(row / kTileRows, group) + (which * kTileRows + row % kTileRows) * bytes;
  }

  const TiledLayout& layout_;
  uint8_t* const matrix_;
};

/// Scales and zero points that lie apart.
void take_separate(const WeightSource& source, const TiledLayout& layout, const SourceRows& rows, int64_t index, int64_t row,
                   PlainRow* plain) {
  const int64_t groups = divide_up(layout.cols, layout.format.group_cols);
  for (int64_t g = 0; g < groups; ++g) {
    const float scale = rows.scales[index * groups + g];
    MSC_CHECK_ARGUMENT(std::isfinite(scale), "weight: scale %lld of row %lld is %g, must be finite", static_cast<long long>(g),
                       static_cast<long long>(row), static_cast<double>(scale));
    plain->scales.push_back(scale);
    if (rows.zero_points == nullptr) {
      continue;
    }
    const int zero = rows.zero_points[index * groups + g];
    const int low = source.format == MSC_FORMAT_U4 ? 0 : -2048;
    const int high = source.format == MSC_FORMAT_U4 ? 255 : 2048;
    MSC_CHECK_ARGUMENT(zero >= low && zero <= high, "weight: zero point %lld of row %lld is %d, must be %d to %d",
                       static_cast<long long>(g), static_cast<long long>(row), zero, low, high);
    if (layout.format.correction == Correction::kZeroPoint) {
      plain->corrections.push_back(static_cast<float>(zero));
    } else {
      const int implied = layout.format.code == WeightCode::kI4 ? 8 : 0;
      MSC_CHECK_ARGUMENT(zero == implied, "weight: zero point %lld of row %lld is %d, but the description says that all are %d",
                         static_cast<long long>(g), static_cast<long long>(row), zero, implied);
    }
  }
}

}  // namespace

TiledFormat tiled_format(const WeightSource& source) {
  const bool separate = has_separate_scales(source.format);
  MSC_CHECK_ARGUMENT(separate == (source.group_cols > 0),
                     "weight: group_cols is %lld, must be above 0 for formats whose scales are kept apart, and 0 for others",
                     static_cast<long long>(source.group_cols));
  MSC_CHECK_ARGUMENT(separate || !(source.half_scales || source.zero_is_eight || source.has_zero_points),
                     "weight: half_scales, zero_is_eight and has_zero_points are for formats whose scales are kept apart");
  const ScaleType scale = source.half_scales ? ScaleType::kF16 : ScaleType::kF32;
  switch (source.format) {
    case MSC_FORMAT_BF16:
      return {WeightCode::kBf16, ScaleType::kNone, Correction::kNone, 0};
    case MSC_FORMAT_Q8_0:
      return {WeightCode::kI8, ScaleType::kF16, Correction::kNone, 32};
    case MSC_FORMAT_Q4_0:
      return {WeightCode::kI4, ScaleType::kF16, Correction::kNone, 32};
    case MSC_FORMAT_Q4_1:
      return {WeightCode::kU4, ScaleType::kF16, Correction::kOffset, 32};
    case MSC_FORMAT_Q4_K:
      return {WeightCode::kU4, ScaleType::kF32, Correction::kOffset, 32};
    case MSC_FORMAT_Q6_K:
      return {WeightCode::kI8, ScaleType::kF32, Correction::kNone, 16};
    case MSC_FORMAT_U4:
      return source.zero_is_eight ? TiledFormat{WeightCode::kI4, scale, Correction::kNone, source.group_cols}
                                  : TiledFormat{WeightCode::kU4, scale, Correction::kZeroPoint, source.group_cols};
    case MSC_FORMAT_I8:
      return {WeightCode::kI8, scale, source.has_zero_points ? Correction::kZeroPoint : Correction::kNone, source.group_cols};
    case MSC_FORMAT_F8_E4M3:
      return {WeightCode::kF8E4M3, scale, Correction::kNone, source.group_cols};
    default:
      refuse(source.format);
  }
}

void repack_rows(const WeightSource& source, const TiledLayout& layout, const SourceRows& rows, int64_t row_begin,
                 int64_t num_rows, void* matrix) {
  const bool separate = has_separate_scales(source.format);
  int64_t elements, bytes;
  block_of(source.format, &elements, &bytes);
  MSC_CHECK_ARGUMENT(layout.cols % elements == 0, "weight: %lld columns are no multiple of the format's block of %lld",
                     static_cast<long long>(layout.cols), static_cast<long long>(elements));
  MSC_CHECK_ARGUMENT(rows.data != nullptr && matrix != nullptr, "weight: the source or the matrix is NULL");
  MSC_CHECK_ARGUMENT(rows.row_bytes >= static_cast<uint64_t>(layout.cols / elements * bytes),
                     "weight: row_bytes is %llu, a row takes %lld", static_cast<unsigned long long>(rows.row_bytes),
                     static_cast<long long>(layout.cols / elements * bytes));
  MSC_CHECK_ARGUMENT(separate == (rows.scales != nullptr), "weight: scales must be given exactly for formats that keep them apart");
  MSC_CHECK_ARGUMENT((layout.format.correction == Correction::kZeroPoint) <= (rows.zero_points != nullptr),
                     "weight: zero_points is NULL, the format has them");
  check_range(row_begin, 0, layout.rows - 1, "weight: row_begin");
  check_range(num_rows, 1, layout.rows - row_begin, "weight: num_rows");
  const bool ends = row_begin + num_rows == layout.rows;
  MSC_CHECK_ARGUMENT(row_begin % kTileRows == 0 && (ends || num_rows % kTileRows == 0),
                     "weight: rows %lld to %lld do not begin and end at multiples of %d, nor at the end",
                     static_cast<long long>(row_begin), static_cast<long long>(row_begin + num_rows), kTileRows);
  const Tiles tiles(layout, matrix);
  const int64_t end_tile = ends ? layout.row_tiles : (row_begin + num_rows) / kTileRows;
  for (int64_t tile = row_begin / kTileRows; tile < end_tile; ++tile) {
    tiles.clear(tile);
  }
  for (int64_t i = 0; i < num_rows; ++i) {
    const auto* from = static_cast<const std::byte*>(rows.data) + static_cast<uint64_t>(i) * rows.row_bytes;
    PlainRow plain;
    if (separate) {
      take_separate(source, layout, rows, i, row_begin + i, &plain);
    }
    if (!read_block_row(source.format, from, layout.cols, &plain) && !read_code_row(source.format, from, layout.cols, &plain)) {
      refuse(source.format);
    }
    for (int64_t k = 0; k < layout.cols; ++k) {
      tiles.set_code(row_begin + i, k, plain.codes[static_cast<size_t>(k)]);
    }
    for (size_t g = 0; g < plain.scales.size(); ++g) {
      tiles.set_number(row_begin + i, static_cast<int64_t>(g), 0, plain.scales[g]);
    }
    for (size_t g = 0; g < plain.corrections.size(); ++g) {
      tiles.set_number(row_begin + i, static_cast<int64_t>(g), 1, plain.corrections[g]);
    }
  }
}

void read_row(const TiledLayout& layout, const void* matrix, int64_t row, float* out) {
  const Tiles tiles(layout, const_cast<void*>(matrix));  // read alone
  for (int64_t k = 0; k < layout.cols; ++k) {
    const uint16_t code = tiles.code(row, k);
    if (layout.format.code == WeightCode::kBf16) {
      out[k] = cpu::float_of_bf16(code);
      continue;
    }
    const int64_t group = k / layout.format.group_cols;
    const float scale = tiles.number_of(row, group, 0);
    float value = 0.0f;
    switch (layout.format.code) {
      case WeightCode::kF8E4M3:
        value = std::bit_cast<float>((code & 128u) << 24 | (code & 127u) << 20) * 0x1p120f;
        break;
      case WeightCode::kI8:
        value = static_cast<float>(static_cast<int8_t>(code));
        break;
      default:
        value = static_cast<float>(layout.format.code == WeightCode::kI4 ? code - 8 : code);
    }
    switch (layout.format.correction) {
      case Correction::kNone:
        out[k] = scale * value;
        break;
      case Correction::kZeroPoint:
        out[k] = scale * (value - tiles.number_of(row, group, 1));
        break;
      case Correction::kOffset:
        out[k] = scale * value + tiles.number_of(row, group, 1);
        break;
    }
  }
}

}  // namespace msc::cuda
