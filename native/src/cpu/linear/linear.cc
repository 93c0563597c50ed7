#include "cpu/linear/linear.h"

#include <cstring>

#include "core/section.h"
#include "cpu/linear/group_units.h"
#include "cpu/linear/matrix_rows.h"
#include "cpu/linear/prepared_rows.h"
#include "cpu/linear/work_shares.h"

namespace msc::cpu {
namespace {

/// Values of several rows that a thread rather prepares itself than wait for others at a barrier. A single row it always
/// prepares itself: the others would only wait for it.
constexpr int64_t kPrepareAloneValues = 4096;
/// Prepared rows of one block should fit the second-level cache beside the weights.
constexpr size_t kRowBlockBytes = 192 * 1024;

constexpr size_t align_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// The plan of a call: who prepares which rows, and the list of (row block, target, row groups).
class LinearSection {
 public:
  LinearSection(msc_stream& stream, const LinearCall& call)
      : call_(call),
        kernels_(linear_kernels(stream.device->isa, stream.device->features)),
        pool_(stream.device->pool),
        transform_{&kernels_, rms_norm_row(stream.device->isa), call.norm_weight, call.norm_eps},
        num_threads_(stream.device->pool.num_threads()),
        num_rows_(call.input.rows),
        alone_(num_threads_ > 1 && (num_rows_ == 1 || num_rows_ * call.input.cols <= kPrepareAloneValues)) {
    for (int i = 0; i < call.num_targets; ++i) {
      plans_[i] = plan_matrix(kernels_, call.targets[i].matrix.layout.format, call.precision);
      slot_of_target_[i] = find_slot(plans_[i].input, call.targets[i].matrix.permutation);
    }
    std::byte* const shares = plan_scratch(stream);
    plan_items();
    shares_ = WorkShares(reinterpret_cast<WorkShares::Share*>(shares), num_items_, num_threads_);
  }

  bool is_alone() const { return false; }

  void work(unsigned thread) {
    std::byte* rows = rows_ + (alone_ ? thread * copy_bytes_ : 0);
    const Range mine = alone_ ? Range{0, num_rows_} : split_range(num_rows_, thread, num_threads_);
    prepare(mine, spare_ + thread * spare_bytes_, rows);
    if (!alone_ && num_threads_ > 1) {
      pool_.barrier();
    }
    shares_.run(thread, [&](int64_t item) { run_item(item, rows); });
  }

 private:
  /// The input rows in one form: targets that want the same share them.
  struct Slot {
    InputKind kind;
    const int32_t* permutation;  // [cols] or NULL
    size_t row_bytes;
    size_t offset;
  };

  int find_slot(InputKind kind, const int32_t* permutation) {
    for (int i = 0; i < num_slots_; ++i) {
      const bool same_order =
          slots_[i].permutation == permutation ||
          (slots_[i].permutation != nullptr && permutation != nullptr &&
           std::memcmp(slots_[i].permutation, permutation, static_cast<size_t>(call_.input.cols) * sizeof(int32_t)) == 0);
      if (slots_[i].kind == kind && same_order) {
        return i;
      }
    }
    slots_[num_slots_] = {kind, permutation, 0, 0};
    return num_slots_++;
  }

  /// @return memory of the shares.
  std::byte* plan_scratch(msc_stream& stream) {
    size_t largest_row = 0;
    bool permutes = false;
    for (int i = 0; i < num_slots_; ++i) {
      Slot& slot = slots_[i];
      slot.row_bytes = prepared_row_bytes(slot.kind, call_.input.cols);
      slot.offset = copy_bytes_;
      copy_bytes_ += slot.row_bytes * static_cast<size_t>(num_rows_);
      largest_row = slot.row_bytes > largest_row ? slot.row_bytes : largest_row;
      permutes |= slot.permutation != nullptr;
    }
    row_spare_bytes_ = align_up(static_cast<size_t>(call_.input.cols) * sizeof(float));
    // A normalised row, then one in another order.
    spare_bytes_ = permutes ? 2 * row_spare_bytes_ : call_.norm_weight != nullptr ? row_spare_bytes_ : 0;
    const size_t shares_bytes = sizeof(WorkShares::Share) * num_threads_;
    std::byte* memory =
        stream.scratch(shares_bytes + spare_bytes_ * num_threads_ + copy_bytes_ * (alone_ ? num_threads_ : 1));
    spare_ = memory + shares_bytes;
    rows_ = spare_ + spare_bytes_ * num_threads_;

    // Blocks of about equal size, in whole tiles of every instruction set.
    constexpr int64_t kTileRows = 12;
    int64_t limit = static_cast<int64_t>(kRowBlockBytes / largest_row) / kTileRows * kTileRows;
    limit = limit < 2 * kTileRows ? 2 * kTileRows : limit > kMaxTileRows ? kMaxTileRows : limit;
    const int64_t blocks = (num_rows_ + limit - 1) / limit;
    block_rows_ = ((num_rows_ + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
    num_blocks_ = (num_rows_ + block_rows_ - 1) / block_rows_;
    return memory;
  }

  void plan_items() {
    const int outputs = is_gated(call_.epilogue) ? 1 : call_.num_targets;
    for (int i = 0; i < outputs; ++i) {
      units_[i] = GroupUnits(call_.targets[i].matrix.layout.num_groups, num_rows_, num_threads_);
      first_unit_[i] = num_units_;
      num_units_ += units_[i].count();
    }
    num_outputs_ = outputs;
    num_items_ = num_units_ * num_blocks_;
  }

  void prepare(Range range, std::byte* spare, std::byte* rows) const {
    for (int i = 0; i < num_slots_; ++i) {
      const Slot& slot = slots_[i];
      for (int64_t m = range.begin; m < range.end; ++m) {
        std::byte* out = rows + slot.offset + slot.row_bytes * static_cast<size_t>(m);
        if (slot.permutation != nullptr) {
          prepare_permuted(slot, call_.input.row(m), spare, out);
        } else {
          prepare_row(transform_, slot.kind, call_.input.row(m), call_.input.cols, reinterpret_cast<float*>(spare), out);
        }
      }
    }
  }

  void prepare_permuted(const Slot& slot, const float* row, std::byte* spare, std::byte* out) const {
    const int64_t cols = call_.input.cols;
    if (transform_.norm_weight != nullptr) {
      auto* normalised = reinterpret_cast<float*>(spare);
      transform_.norm(row, transform_.norm_weight, cols, transform_.norm_eps, normalised);
      row = normalised;
    }
    auto* permuted = reinterpret_cast<float*>(spare + row_spare_bytes_);
    for (int64_t k = 0; k < cols; ++k) {
      permuted[k] = row[slot.permutation[k]];
    }
    InputTransform plain = transform_;
    plain.norm_weight = nullptr;
    prepare_row(plain, slot.kind, permuted, cols, nullptr, out);
  }

  void multiply(int target, const GroupUnit& unit, const std::byte* rows, int64_t first_row, int num_rows,
                float* tile) const {
    const Slot& slot = slots_[slot_of_target_[target]];
    const std::byte* pointers[kMaxTileRows];
    for (int m = 0; m < num_rows; ++m) {
      pointers[m] = rows + slot.offset + slot.row_bytes * static_cast<size_t>(first_row + m);
    }
    multiply_groups(plans_[target], call_.targets[target].matrix, unit.first, unit.count, pointers, num_rows, tile,
                    unit.step);
  }

  void run_item(int64_t item, const std::byte* rows) const {
    const int64_t block = num_blocks_ == 1 ? 0 : item / num_units_;
    const int64_t index_in_block = item - block * num_units_;
    const int64_t first_row = block * block_rows_;
    const int num_rows = static_cast<int>(num_rows_ - first_row < block_rows_ ? num_rows_ - first_row : block_rows_);
    int index = num_outputs_ - 1;
    while (first_unit_[index] > index_in_block) {
      --index;
    }
    const GroupUnit unit = units_[index].unit(index_in_block - first_unit_[index]);
    const LinearTarget& target = call_.targets[index];
    const PackedLayout& layout = target.matrix.layout;
    const int64_t first_column = unit.first * layout.row_group;
    const bool gated = is_gated(call_.epilogue);

    alignas(64) float tile[kMaxTileFloats];
    multiply(index, unit, rows, first_row, num_rows, tile);
    TileTarget result{tile, unit.count, num_rows, layout.rows - first_column,
                      target.bias == nullptr ? nullptr : target.bias + first_column,
                      target.out.row(first_row) + first_column, target.out.stride,
                      call_.epilogue == MSC_EPILOGUE_ADD, unit.step};
    if (gated) {
      alignas(64) float up[kMaxTileFloats];
      multiply(1, unit, rows, first_row, num_rows, up);
      const int64_t lanes = layout.row_group;
      add_bias(result, lanes, tile);
      result.bias = call_.targets[1].bias == nullptr ? nullptr : call_.targets[1].bias + first_column;
      add_bias(result, lanes, up);
      result.bias = nullptr;
      kernels_.gate(call_.gate, tile, up,
                    static_cast<int64_t>(unit.count) * num_rows * static_cast<int64_t>(layout.row_group));
    }
    if (is_activation(call_.epilogue)) {
      add_bias(result, layout.row_group, tile);
      result.bias = nullptr;
      kernels_.activate(call_.epilogue, tile,
                        static_cast<int64_t>(unit.count) * num_rows * static_cast<int64_t>(layout.row_group));
    }
    kernels_.finish(result);
  }

  static constexpr int kMaxTileFloats = GroupUnits::kMaxTileRowsTimesGroups * 16;

  const LinearCall call_;
  const LinearKernels& kernels_;
  ThreadPool& pool_;
  const InputTransform transform_;
  const unsigned num_threads_;
  const int64_t num_rows_;
  const bool alone_;  // every thread prepares all rows for itself

  MatrixPlan plans_[MSC_LINEAR_MAX_WEIGHTS] = {};
  Slot slots_[MSC_LINEAR_MAX_WEIGHTS] = {};
  int num_slots_ = 0;
  int slot_of_target_[MSC_LINEAR_MAX_WEIGHTS] = {};
  size_t copy_bytes_ = 0;
  size_t row_spare_bytes_ = 0;
  size_t spare_bytes_ = 0;  // of one thread
  WorkShares shares_;
  std::byte* spare_ = nullptr;
  std::byte* rows_ = nullptr;

  int64_t block_rows_ = 0;
  int64_t num_blocks_ = 0;
  int num_outputs_ = 0;
  GroupUnits units_[MSC_LINEAR_MAX_WEIGHTS];
  int64_t first_unit_[MSC_LINEAR_MAX_WEIGHTS] = {};
  int64_t num_units_ = 0;
  int64_t num_items_ = 0;
};

}  // namespace

void linear(msc_stream& stream, const LinearCall& call) {
  if (call.input.rows > 0) {
    run_section<LinearSection>(stream, call);
  }
}

}  // namespace msc::cpu
