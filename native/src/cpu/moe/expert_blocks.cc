#include "cpu/moe/expert_blocks.h"

#include <algorithm>
#include <new>

namespace msc::cpu {
namespace {

/// Prepared rows of one pass should fit the second-level cache beside the weights.
constexpr int64_t kRowBlockBytes = 192 * 1024;
/// Whole tiles of every instruction set.
constexpr int64_t kTileRows = 12;
constexpr int64_t kMinBlockRows = 2 * kTileRows;

/// Rows of a block when `num_rows` are cut into blocks of about equal size.
int64_t block_rows(int64_t num_rows, size_t row_bytes) {
  const int64_t fitting = kRowBlockBytes / static_cast<int64_t>(row_bytes) / kTileRows * kTileRows;
  const int64_t limit = std::clamp(fitting, kMinBlockRows, static_cast<int64_t>(kMaxTileRows));
  const int64_t blocks = (num_rows + limit - 1) / limit;
  return ((num_rows + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
}

}  // namespace

ExpertLayer::ExpertLayer(const LinearKernels& kernels, const ExpertWeights& weights, int32_t precision) {
  if (weights.gate == nullptr) {
    return;
  }
  const auto projection = [&](const msc_weight* weight) {
    return Projection{weight, plan_matrix(kernels, weight->layout().format, precision)};
  };
  gate = projection(weights.gate);
  if (weights.up != nullptr) {
    up = projection(weights.up);
  }
  down = projection(weights.down);
  width = weights.gate->layout().rows;
}

int64_t ExpertBlocks::max_blocks(int64_t num_rows, int64_t num_experts) {
  // Every expert may leave a block that is not full; full ones have half of kMinBlockRows or more.
  return std::min(num_rows, num_experts + 1) + num_rows / (kMinBlockRows / 2);
}

ExpertBlocks::ExpertBlocks(ExpertBlock* memory, const ExpertLayer& routed, const ExpertLayer& shared,
                           const Assignments& list, int64_t num_tokens, int64_t panel_groups,
                           size_t row_bytes)
    : blocks_(memory) {
  for (int32_t i = 0; i < list.num_experts; ++i) {
    const int64_t first = list.offsets[i];
    add(routed, list.experts[i], first, list.offsets[i + 1] - first, list.items + first, panel_groups,
        row_bytes);
  }
  if (shared) {
    add(shared, 0, list.num_items, num_tokens, nullptr, panel_groups, row_bytes);
  }
}

void ExpertBlocks::add(const ExpertLayer& layer, int64_t expert, int64_t first_row, int64_t num_rows,
                       const Assignment* items, int64_t panel_groups, size_t row_bytes) {
  const int64_t step = block_rows(num_rows, row_bytes);
  for (int64_t row = 0; row < num_rows; row += step) {
    const int64_t count = std::min(step, num_rows - row);
    const GroupUnits hidden(layer.gate.weight->layout().num_groups, count, 1);
    const GroupUnits out(panel_groups, count, 1);
    new (blocks_ + count_++) ExpertBlock{&layer,
                                         expert,
                                         first_row + row,
                                         static_cast<int>(count),
                                         items == nullptr ? nullptr : items + row,
                                         row,
                                         hidden,
                                         out,
                                         num_hidden_items_,
                                         num_out_items_,
                                         hidden.count()};
    num_hidden_items_ += hidden.count();
    num_out_items_ += out.count();
  }
}

ExpertBlock& ExpertBlocks::of_hidden_item(int64_t item) const {
  return *(std::upper_bound(blocks_, blocks_ + count_, item,
                            [](int64_t value, const ExpertBlock& block) { return value < block.first_hidden_item; }) -
           1);
}

ExpertBlock& ExpertBlocks::of_out_item(int64_t item) const {
  return *(std::upper_bound(blocks_, blocks_ + count_, item,
                            [](int64_t value, const ExpertBlock& block) { return value < block.first_out_item; }) -
           1);
}

}  // namespace msc::cpu
