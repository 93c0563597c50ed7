#include "cpu/linear/head_linear.h"

#include <algorithm>

#include "core/section.h"
#include "cpu/linear/group_units.h"
#include "cpu/linear/matrix_rows.h"
#include "cpu/linear/prepared_rows.h"
#include "cpu/linear/work_shares.h"

namespace msc::cpu {
namespace {

/// Prepared rows of one block should fit the second-level cache beside a head's matrix.
constexpr size_t kRowBlockBytes = 192 * 1024;
constexpr int64_t kTileRows = 12;
/// Items a thread should have, so that all end together.
constexpr int64_t kItemsPerThread = 4;

/// An item is some row groups of one head for one block of rows; its thread prepares the (short) rows it needs itself.
class HeadLinearSection {
 public:
  HeadLinearSection(msc_stream& stream, const HeadLinearCall& call)
      : call_(call),
        kernels_(linear_kernels(stream.device->isa, stream.device->features)),
        plan_(plan_matrix(kernels_, call.weight->layout().format, call.precision)),
        transform_{&kernels_, nullptr, nullptr, 0.0f},
        pool_(stream.device->pool),
        num_rows_(call.input.rows),
        row_bytes_(prepared_row_bytes(plan_.input, call.weight->layout().cols)) {
    const auto fitting = static_cast<int64_t>(kRowBlockBytes / row_bytes_) / kTileRows * kTileRows;
    const int64_t limit = std::clamp(fitting, 2 * kTileRows, static_cast<int64_t>(kMaxTileRows));
    num_blocks_ = (num_rows_ + limit - 1) / limit;
    block_rows_ = (num_rows_ + num_blocks_ - 1) / num_blocks_;
    const int64_t whole = call.weight->num_experts() * num_blocks_;
    const int64_t wanted = kItemsPerThread * pool_.num_threads();
    const int64_t units = GroupUnits(call.weight->layout().num_groups, block_rows_, 1).count();
    parts_ = pool_.num_threads() == 1 ? 1 : std::clamp<int64_t>((wanted + whole - 1) / whole, 1, units);
    num_items_ = whole * parts_;
    const size_t shares_bytes = sizeof(WorkShares::Share) * pool_.num_threads();
    thread_bytes_ = row_bytes_ * static_cast<size_t>(block_rows_);
    std::byte* memory = stream.scratch(shares_bytes + thread_bytes_ * pool_.num_threads());
    shares_ = WorkShares(reinterpret_cast<WorkShares::Share*>(memory), num_items_, pool_.num_threads());
    rows_ = memory + shares_bytes;
  }

  bool is_alone() const { return false; }

  void work(unsigned thread) {
    shares_.run(thread, [&](int64_t item) { run_item(item, rows_ + thread_bytes_ * thread); });
  }

 private:
  void run_item(int64_t item, std::byte* memory) const {
    const int64_t part = item % parts_;
    const int64_t block = item / parts_ % num_blocks_;
    const int64_t head = item / parts_ / num_blocks_;
    const int64_t first_row = block * block_rows_;
    const int num_rows = static_cast<int>(std::min(block_rows_, num_rows_ - first_row));
    const PackedMatrix matrix = call_.weight->expert(head);
    const std::byte* rows[kMaxTileRows];
    for (int m = 0; m < num_rows; ++m) {
      std::byte* row = memory + row_bytes_ * static_cast<size_t>(m);
      prepare_row(transform_, plan_.input, call_.input.row(first_row + m) + head * call_.input_width, matrix.layout.cols,
                  nullptr, row);
      rows[m] = row;
    }
    const GroupUnits units(matrix.layout.num_groups, num_rows, 1);
    alignas(64) float tile[GroupUnits::kMaxTileRowsTimesGroups * 16];
    for (int64_t u = units.count() * part / parts_; u < units.count() * (part + 1) / parts_; ++u) {
      const GroupUnit unit = units.unit(u);
      const int64_t first_column = unit.first * static_cast<int64_t>(matrix.layout.row_group);
      multiply_groups(plan_, matrix, unit.first, unit.count, rows, num_rows, tile, unit.step);
      kernels_.finish({tile, unit.count, num_rows, matrix.layout.rows - first_column, nullptr,
                       call_.out.row(first_row) + head * call_.out_width + first_column, call_.out.stride, false, unit.step});
    }
  }

  const HeadLinearCall call_;
  const LinearKernels& kernels_;
  const MatrixPlan plan_;
  const InputTransform transform_;
  ThreadPool& pool_;
  const int64_t num_rows_;
  const size_t row_bytes_;
  int64_t num_blocks_ = 0;
  int64_t block_rows_ = 0;
  int64_t parts_ = 1;
  int64_t num_items_ = 0;
  size_t thread_bytes_ = 0;
  WorkShares shares_;
  std::byte* rows_ = nullptr;
};

}  // namespace

void head_linear(msc_stream& stream, const HeadLinearCall& call) {
  if (call.input.rows > 0) {
    run_section<HeadLinearSection>(stream, call);
  }
}

}  // namespace msc::cpu
