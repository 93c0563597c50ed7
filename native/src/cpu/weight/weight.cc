#include "cpu/weight/weight.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "cpu/weight/pack.h"

using msc::cpu::geometry;
using msc::cpu::NativeFormat;

namespace {

uint64_t memory_bytes(const msc::cpu::PackedLayout& layout, int64_t num_experts) {
  uint64_t bytes = 0;
  const bool overflow =
      __builtin_mul_overflow(static_cast<uint64_t>(layout.matrix_bytes), static_cast<uint64_t>(num_experts), &bytes);
  MSC_CHECK_ARGUMENT(!overflow && bytes < (uint64_t{1} << 47),
                     "%lld experts of %lld x %lld are more than memory can be", static_cast<long long>(num_experts),
                     static_cast<long long>(layout.rows), static_cast<long long>(layout.cols));
  return bytes;
}

}  // namespace

msc_weight::msc_weight(msc_device* owner, NativeFormat format, const msc_weight_desc& desc)
    : device(owner),
      layout_(msc::cpu::packed_layout(format, owner->row_group, desc.rows, desc.cols, desc.group_cols)),
      num_experts_(desc.num_experts),
      memory_(owner->weight_memory.allocate(memory_bytes(layout_, desc.num_experts))),
      loaded_(std::make_unique<std::atomic<uint64_t>[]>(static_cast<size_t>((desc.rows * desc.num_experts + 63) / 64))) {
  ++device->live_objects;
}

msc_weight::~msc_weight() { --device->live_objects; }

void msc_weight::load(const msc_weight_slice& slice) {
  const msc::cpu::FormatGeometry& shape = geometry(layout_.format);
  const auto row_bytes = static_cast<uint64_t>(layout_.cols / shape.elements * shape.source_bytes);
  MSC_CHECK_ARGUMENT(!is_sealed(), "the weight is sealed: load before msc_weight_seal");
  MSC_CHECK_ARGUMENT(slice.expert >= 0 && slice.expert < num_experts_, "slice->expert is %lld, the weight has %lld",
                     static_cast<long long>(slice.expert), static_cast<long long>(num_experts_));
  MSC_CHECK_ARGUMENT(
      slice.row_begin >= 0 && slice.num_rows > 0 && slice.row_begin < layout_.rows &&
          slice.num_rows <= layout_.rows - slice.row_begin,
      "slice of %lld rows from row %lld does not lie within the weight's %lld rows",
      static_cast<long long>(slice.num_rows), static_cast<long long>(slice.row_begin),
      static_cast<long long>(layout_.rows));
  MSC_CHECK_ARGUMENT(slice.source != nullptr, "slice->source is NULL");
  MSC_CHECK_ARGUMENT(slice.source_row_bytes >= row_bytes,
                     "slice->source_row_bytes is %llu, a row of %lld columns in %s takes %llu",
                     static_cast<unsigned long long>(slice.source_row_bytes), static_cast<long long>(layout_.cols),
                     shape.name, static_cast<unsigned long long>(row_bytes));
  MSC_CHECK_ARGUMENT(shape.has_factor ? std::isfinite(slice.factor) : slice.factor == 0.0f || slice.factor == 1.0f,
                     "slice->factor is %g: it must be finite, and only NVFP4 has one other than 1 (or 0, which stands for 1)",
                     static_cast<double>(slice.factor));
  check_parts(slice);
  take_permutation(slice.permutation);
  const int64_t end = slice.row_begin + slice.num_rows;
  mark_loaded(slice.expert, slice.row_begin, end);
  std::byte* matrix = memory_.get() + static_cast<size_t>(slice.expert) * layout_.matrix_bytes;
  const auto* source = static_cast<const std::byte*>(slice.source);
  const int64_t lanes = layout_.row_group;
  for (int64_t row = slice.row_begin; row < end;) {
    const int64_t lane = row % lanes;
    const int64_t count = lanes - lane < end - row ? lanes - lane : end - row;
    // Formed run by run: behind the last row there may be no address that a stride leads to.
    const std::byte* first = source + static_cast<uint64_t>(row - slice.row_begin) * slice.source_row_bytes;
    std::byte* group = matrix + static_cast<size_t>(row / lanes) * layout_.group_bytes;
    if (msc::cpu::has_groups(shape)) {
      const int64_t offset = (row - slice.row_begin) * layout_.num_scales;
      const auto* zeros = static_cast<const int16_t*>(slice.zero_points);
      msc::cpu::pack_grouped_rows(layout_, first, slice.source_row_bytes, static_cast<const float*>(slice.scales) + offset,
                                  zeros == nullptr ? nullptr : zeros + offset, group, static_cast<unsigned>(lane),
                                  static_cast<unsigned>(count));
    } else {
      msc::cpu::pack_rows(layout_, first, slice.source_row_bytes, group, static_cast<unsigned>(lane),
                          static_cast<unsigned>(count));
      msc::cpu::set_row_factors(layout_, slice.factor == 0.0f ? 1.0f : slice.factor, group, static_cast<unsigned>(lane),
                                static_cast<unsigned>(count));
    }
    row += count;
  }
}

void msc_weight::check_parts(const msc_weight_slice& slice) const {
  const msc::cpu::FormatGeometry& shape = geometry(layout_.format);
  if (!has_groups(shape)) {
    MSC_CHECK_ARGUMENT(slice.scales == nullptr && slice.zero_points == nullptr && slice.permutation == nullptr,
                       "slice->scales, zero_points and permutation are for formats with separate scales, not for %s: "
                       "leave them NULL",
                       shape.name);
    return;
  }
  const bool has_zeros = layout_.format != NativeFormat::kGroupedF8;
  MSC_CHECK_ARGUMENT(slice.scales != nullptr, "slice->scales is NULL; a %s weight needs them", shape.name);
  MSC_CHECK_ARGUMENT((slice.zero_points != nullptr) == has_zeros, "slice->zero_points must %s for a %s weight",
                     has_zeros ? "be given" : "be NULL", shape.name);
  MSC_CHECK_ARGUMENT(slice.permutation == nullptr || num_experts_ == 1,
                     "slice->permutation is given for a weight of %lld experts; expected one",
                     static_cast<long long>(num_experts_));
  check_scales(slice);
}

void msc_weight::check_scales(const msc_weight_slice& slice) const {
  const auto* scales = static_cast<const float*>(slice.scales);
  const auto* zeros = static_cast<const int16_t*>(slice.zero_points);
  const int64_t count = slice.num_rows * layout_.num_scales;
  const bool is_u4 = layout_.format == NativeFormat::kGroupedU4;
  const float limit = layout_.format == NativeFormat::kGroupedF8 ? 256.0f : std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < count; ++i) {
    MSC_CHECK_ARGUMENT(std::abs(scales[i]) < limit, "scale %lld of row %lld is %g, must be finite and less than %g",
                       static_cast<long long>(i % layout_.num_scales),
                       static_cast<long long>(slice.row_begin + i / layout_.num_scales), static_cast<double>(scales[i]),
                       static_cast<double>(limit));
    MSC_CHECK_ARGUMENT(zeros == nullptr || (is_u4 ? zeros[i] >= 0 && zeros[i] <= 255 : std::abs(zeros[i]) <= 2048),
                       "zero point %lld of row %lld is %d, must be %s", static_cast<long long>(i % layout_.num_scales),
                       static_cast<long long>(slice.row_begin + i / layout_.num_scales), zeros[i],
                       is_u4 ? "0 to 255" : "-2048 to 2048");
  }
}

void msc_weight::take_permutation(const int32_t* permutation) {
  const std::lock_guard<std::mutex> lock(permutation_lock_);
  const auto cols = static_cast<size_t>(layout_.cols);
  if (has_order_) {
    const bool same = permutation == nullptr
                          ? permutation_.empty()
                          : !permutation_.empty() && std::memcmp(permutation_.data(), permutation, cols * 4) == 0;
    MSC_CHECK_ARGUMENT(same, "slice->permutation differs from that of the slice before it");
    return;
  }
  if (permutation != nullptr) {
    std::vector<bool> seen(cols);
    for (size_t k = 0; k < cols; ++k) {
      const int32_t column = permutation[k];
      MSC_CHECK_ARGUMENT(column >= 0 && static_cast<size_t>(column) < cols && !seen[static_cast<size_t>(column)],
                         "slice->permutation[%zu] is %d, must name each of the %zu columns once", k, column, cols);
      seen[static_cast<size_t>(column)] = true;
    }
    permutation_.assign(permutation, permutation + cols);
  }
  has_order_ = true;
}

void msc_weight::mark_loaded(int64_t expert, int64_t row_begin, int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; ++row) {
    const int64_t index = expert * layout_.rows + row;
    const uint64_t bit = uint64_t{1} << (index % 64);
    const uint64_t before = loaded_[static_cast<size_t>(index / 64)].fetch_or(bit, std::memory_order_relaxed);
    MSC_CHECK_ARGUMENT((before & bit) == 0, "row %lld of expert %lld was loaded before: slices must not overlap",
                       static_cast<long long>(row), static_cast<long long>(expert));
  }
}

int64_t msc_weight::count_missing(int64_t* first) const {
  const int64_t total = layout_.rows * num_experts_;
  int64_t missing = 0;
  for (int64_t word = 0; word * 64 < total; ++word) {
    const int64_t bits = total - word * 64 < 64 ? total - word * 64 : 64;
    uint64_t absent = ~loaded_[static_cast<size_t>(word)].load(std::memory_order_relaxed);
    if (bits < 64) {
      absent &= (uint64_t{1} << bits) - 1;
    }
    if (absent != 0 && missing == 0) {
      *first = word * 64 + __builtin_ctzll(absent);
    }
    missing += __builtin_popcountll(absent);
  }
  return missing;
}

void msc_weight::seal() {
  int64_t first = 0;
  const int64_t missing = count_missing(&first);
  MSC_CHECK_ARGUMENT(missing == 0, "%lld rows are missing, the first is row %lld of expert %lld: load them, then seal",
                     static_cast<long long>(missing), static_cast<long long>(first % layout_.rows),
                     static_cast<long long>(first / layout_.rows));
  sealed_.store(true, std::memory_order_release);
}
