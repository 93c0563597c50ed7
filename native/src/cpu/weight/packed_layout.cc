#include "cpu/weight/packed_layout.h"

#include <bit>

#include "core/error.h"

namespace msc::cpu {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 46;

int64_t align_up(int64_t value, int64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

}  // namespace

PackedLayout packed_layout(NativeFormat format, unsigned row_group, int64_t rows, int64_t cols, int64_t group_cols) {
  const FormatGeometry& shape = geometry(format);
  // A row takes at most 4 bytes a column, and a group adds less than one row group.
  MSC_CHECK_ARGUMENT(rows > 0 && cols > 0 && rows < kMaxBytes / 8 / cols - 2 * static_cast<int64_t>(row_group),
                     "a %s weight of %lld x %lld is outside what can be held: rows and cols must be positive and the "
                     "matrix smaller than %lld elements",
                     shape.name, static_cast<long long>(rows), static_cast<long long>(cols),
                     static_cast<long long>(kMaxBytes / 8));
  MSC_CHECK_ARGUMENT(cols % shape.elements == 0, "a %s weight has %lld columns, which is no multiple of its block of %lld",
                     shape.name, static_cast<long long>(cols), static_cast<long long>(shape.elements));
  const int64_t lanes = row_group;
  const int64_t vector_bytes = 4 * lanes;
  const int64_t stored_cols = format == NativeFormat::kBF16 ? align_up(cols, 2) : cols;
  const int64_t blocks = stored_cols / shape.elements;
  PackedLayout layout{};
  layout.format = format;
  layout.row_group = row_group;
  layout.rows = rows;
  layout.cols = cols;
  layout.num_groups = (rows + lanes - 1) / lanes;
  if (has_groups(shape)) {
    // Beyond every column there is one group.
    constexpr int kOneGroup = 62;
    layout.group_shift = group_cols >= cols ? kOneGroup : std::countr_zero(static_cast<uint64_t>(group_cols));
    layout.num_scales = ((cols - 1) >> layout.group_shift) + 1;
  }
  const int64_t factor_bytes = shape.has_factor ? static_cast<int64_t>(sizeof(float)) : 0;
  const int64_t scale_bytes = factor_bytes + blocks * shape.scale_bytes + layout.num_scales * shape.group_bytes;
  layout.elements_offset = static_cast<size_t>(align_up(scale_bytes * lanes, vector_bytes));
  layout.group_bytes =
      layout.elements_offset + static_cast<size_t>(align_up(blocks * shape.element_bytes * lanes, vector_bytes));
  layout.matrix_bytes = layout.group_bytes * static_cast<size_t>(layout.num_groups);
  return layout;
}

}  // namespace msc::cpu
