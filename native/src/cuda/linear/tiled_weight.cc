#include "cuda/linear/tiled_weight.h"

#include "cuda/device/plan.h"

namespace msc::cuda {
namespace {

int64_t align_up(int64_t value, int64_t alignment) { return divide_up(value, alignment) * alignment; }

int64_t step_bytes(WeightCode code) {
  constexpr int64_t kElements = kTileRows * kStepCols;
  return code == WeightCode::kBf16 ? kElements * 2 : is_nibble(code) ? kElements / 2 : kElements;
}

void check_format(const TiledFormat& format) {
  check_range(static_cast<int64_t>(format.code), 0, static_cast<int64_t>(WeightCode::kI4), "weight: code");
  check_range(static_cast<int64_t>(format.scale), 0, static_cast<int64_t>(ScaleType::kF16), "weight: scale");
  check_range(static_cast<int64_t>(format.correction), 0, static_cast<int64_t>(Correction::kOffset), "weight: correction");
  const bool plain = format.code == WeightCode::kBf16;
  MSC_CHECK_ARGUMENT(plain == (format.scale == ScaleType::kNone),
                     "weight: scale is %d: bfloat16 has none (0), every other code has one", static_cast<int>(format.scale));
  MSC_CHECK_ARGUMENT(!plain || (format.correction == Correction::kNone && format.group_cols == 0),
                     "weight: bfloat16 has neither corrections nor groups");
}

}  // namespace

TiledLayout lay_out_weight(const TiledFormat& format, int64_t rows, int64_t cols) {
  check_format(format);
  check_range(rows, 1, 1 << 24, "weight: rows");
  check_range(cols, 1, 1 << 20, "weight: cols");
  TiledLayout layout = {};
  layout.format = format;
  layout.rows = rows;
  layout.cols = cols;
  layout.row_tiles = align_up(rows, 2 * kTileRows) / kTileRows;
  layout.steps = divide_up(cols, kStepCols);
  layout.step_bytes = step_bytes(format.code);
  layout.scales_offset = layout.row_tiles * layout.steps * layout.step_bytes;
  layout.matrix_bytes = layout.scales_offset;
  if (format.scale != ScaleType::kNone) {
    if (format.group_cols >= cols) {
      layout.format.group_cols = layout.steps * kStepCols;  // one group a row
    }
    const int64_t group = layout.format.group_cols;
    MSC_CHECK_ARGUMENT(group == 16 || group == 32 || (group > 0 && group % kStepCols == 0),
                       "weight: group_cols is %lld, must be 16, 32, a multiple of 64, or at least the %lld columns",
                       static_cast<long long>(format.group_cols), static_cast<long long>(cols));
    layout.groups = group < kStepCols ? layout.steps * (kStepCols / group) : divide_up(layout.steps * kStepCols, group);
    layout.group_bytes =
        kTileRows * (format.scale == ScaleType::kF32 ? 4 : 2) * (format.correction == Correction::kNone ? 1 : 2);
    layout.matrix_bytes += layout.row_tiles * layout.groups * layout.group_bytes;
  }
  layout.matrix_bytes = align_up(layout.matrix_bytes, 256);
  return layout;
}

}  // namespace msc::cuda
