#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cpu/linear/group_units.h"
#include "cpu/linear/matrix_rows.h"
#include "cpu/moe/assignments.h"
#include "cpu/moe/moe.h"
#include "cpu/weight/weight.h"

namespace msc::cpu {

struct Projection {
  const msc_weight* weight = nullptr;
  MatrixPlan plan = {};
};

/// An expert layer's matrices with their kernels.
struct ExpertLayer {
  ExpertLayer() = default;
  /// None when the weights are NULL.
  ExpertLayer(const LinearKernels& kernels, const ExpertWeights& weights, int32_t precision);

  explicit operator bool() const { return gate.weight != nullptr; }
  bool wants(InputKind kind) const { return *this && (gate.plan.input == kind || (is_gated() && up.plan.input == kind)); }
  /// Without a gate, `gate` is the only matrix before the activation.
  bool is_gated() const { return up.weight != nullptr; }

  Projection gate, up, down;
  int64_t width = 0;  // I
};

/// Up to kMaxTileRows tokens of one expert: one pass over its matrices.
struct ExpertBlock {
  const ExpertLayer* layer;
  int64_t expert;
  int64_t first_row;        // of the hidden rows, of which each token at each of its experts has one
  int num_rows;
  const Assignment* items;  // [num_rows]; NULL: the shared expert, whose weights are 1
  int64_t first_token;      // of the shared expert, whose tokens are consecutive
  GroupUnits hidden_units;  // of gate and up
  GroupUnits out_units;     // of a panel of down
  int64_t first_hidden_item;
  int64_t first_out_item;
  std::atomic<int64_t> hidden_items_left;

  int64_t token(int row) const { return items == nullptr ? first_token + row : items[row].token; }
  float weight(int row) const { return items == nullptr ? 1.0f : items[row].weight; }
};

/// The task list of a mixture-of-experts layer: touched experts ascending, then the shared one, cut into blocks. Items
/// number the units of all blocks, so that a contiguous share of them is a few long runs through memory.
class ExpertBlocks {
 public:
  /// At most this many blocks come of `num_rows` hidden rows.
  static int64_t max_blocks(int64_t num_rows, int64_t num_experts);

  /// @param memory [max_blocks(..)]. @param panel_groups row groups of a panel of the down projection.
  /// @param row_bytes of the widest prepared row of input or hidden.
  ExpertBlocks(ExpertBlock* memory, const ExpertLayer& routed, const ExpertLayer& shared, const Assignments& list,
               int64_t num_tokens, int64_t panel_groups, size_t row_bytes);
  ExpertBlocks() = default;

  const ExpertBlock* begin() const { return blocks_; }
  const ExpertBlock* end() const { return blocks_ + count_; }
  int64_t num_hidden_items() const { return num_hidden_items_; }
  int64_t num_out_items() const { return num_out_items_; }
  ExpertBlock& of_hidden_item(int64_t item) const;
  ExpertBlock& of_out_item(int64_t item) const;

 private:
  void add(const ExpertLayer& layer, int64_t expert, int64_t first_row, int64_t num_rows, const Assignment* items,
           int64_t panel_groups, size_t row_bytes);

  ExpertBlock* blocks_ = nullptr;
  int64_t count_ = 0;
  int64_t num_hidden_items_ = 0;
  int64_t num_out_items_ = 0;
};

}  // namespace msc::cpu
