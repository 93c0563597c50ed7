#include "cpu/moe/moe.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "core/section.h"
#include "cpu/linear/prepared_rows.h"
#include "cpu/linear/work_shares.h"
#include "cpu/moe/expert_blocks.h"
#include "cpu/moe/moe_scratch.h"

namespace msc::cpu {
namespace {

/// Tokens whose hidden rows are held at a time; bounds scratch memory for long prefill chunks.
constexpr int64_t kMaxTokens = 2048;
constexpr int64_t kTileFloats = GroupUnits::kMaxTileRowsTimesGroups * 16;

/// The plan of a call on some tokens, whose experts are known.
class MoeSection {
 public:
  MoeSection(msc_stream& stream, const MoeCall& call, int64_t first_token, int64_t num_tokens)
      : call_(call),
        pool_(stream.device->pool),
        num_threads_(stream.device->pool.num_threads()),
        kernels_(linear_kernels(stream.device->isa, stream.device->features)),
        transform_{&kernels_, nullptr, nullptr, 0.0f},
        routed_(kernels_, call.experts, call.precision),
        shared_(kernels_, call.shared, call.precision),
        first_token_(first_token),
        num_tokens_(num_tokens),
        alone_(num_tokens == 1 && num_threads_ > 1),
        scratch_(stream, call, routed_, shared_, num_tokens, alone_ ? num_threads_ : 1) {
    const Assignments list =
        group_by_expert(call.ids.row(first_token), call.ids.stride, call.weights.row(first_token), call.weights.stride,
                        num_tokens, call.ids.cols, routed_.gate.weight->num_experts(), scratch_.list);
    blocks_ = ExpertBlocks(scratch_.blocks, routed_, shared_, list, num_tokens, scratch_.panel_groups,
                           scratch_.widest_row);
    list_rows_of_tokens();
    hidden_items_ = WorkShares(scratch_.hidden_shares, blocks_.num_hidden_items(), num_threads_);
    out_items_ = WorkShares(scratch_.out_shares, blocks_.num_out_items(), num_threads_);
  }

  bool is_alone() const { return false; }

  void work(unsigned thread) {
    // A single row every thread prepares for itself: the others would only wait for it.
    const unsigned copy = alone_ ? thread : 0;
    prepare_input(alone_ ? Range{0, num_tokens_} : split_range(num_tokens_, thread, num_threads_), copy);
    if (!alone_) {
      pool_.barrier();
    }
    hidden_items_.run(thread, [&](int64_t item) { run_hidden_item(item, copy); });
    pool_.barrier();
    for (int64_t panel = 0; panel < scratch_.num_panels; ++panel) {
      out_items_.run(thread, [&](int64_t item) { run_out_item(panel, item); });
      pool_.barrier();
      add_partial(panel, thread);
      if (panel + 1 < scratch_.num_panels) {
        if (thread == 0) {
          out_items_ = WorkShares(scratch_.out_shares, blocks_.num_out_items(), num_threads_);
        }
        pool_.barrier();
      }
    }
  }

 private:
  void prepare_input(Range tokens, unsigned copy) const {
    for (int kind = 0; kind < kNumInputKinds; ++kind) {
      const PreparedRows rows = scratch_.input(static_cast<InputKind>(kind), copy);
      for (int64_t t = tokens.begin; rows.data != nullptr && t < tokens.end; ++t) {
        prepare_row(transform_, static_cast<InputKind>(kind), call_.input.row(first_token_ + t), call_.input.cols,
                    nullptr, rows.row(t));
      }
    }
  }

  /// hidden = weight * act(gate x) * up x of a block's tokens and some row groups. Scaling by the router's weight here
  /// rather than after the down projection saves a pass over its results.
  void run_hidden_item(int64_t item, unsigned copy) const {
    ExpertBlock& block = blocks_.of_hidden_item(item);
    const ExpertLayer& layer = *block.layer;
    const GroupUnit unit = block.hidden_units.unit(item - block.first_hidden_item);
    const PackedMatrix gate = layer.gate.weight->expert(block.expert);
    alignas(64) float tile[kTileFloats];
    alignas(64) float up_tile[kTileFloats];
    multiply_input(layer.gate, block, unit, copy, tile);
    add_bias(block, unit, gate.layout, call_.gate_bias, tile);
    const int64_t count = static_cast<int64_t>(unit.count) * block.num_rows * static_cast<int64_t>(gate.layout.row_group);
    if (layer.is_gated()) {
      multiply_input(layer.up, block, unit, copy, up_tile);
      add_bias(block, unit, gate.layout, call_.up_bias, up_tile);
      kernels_.gate(call_.gate, tile, up_tile, count);
    } else {
      kernels_.activate(call_.gate.epilogue, tile, count);
    }
    store_hidden(block, unit, gate.layout, tile);
    if (block.hidden_items_left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      prepare_hidden(block);
    }
  }

  void multiply_input(const Projection& projection, const ExpertBlock& block, const GroupUnit& unit, unsigned copy,
                      float* tile) const {
    const PreparedRows input = scratch_.input(projection.plan.input, copy);
    const std::byte* rows[kMaxTileRows];
    for (int m = 0; m < block.num_rows; ++m) {
      rows[m] = input.row(block.token(m));
    }
    multiply_groups(projection.plan, projection.weight->expert(block.expert), unit.first, unit.count, rows,
                    block.num_rows, tile, unit.step);
  }

  void add_bias(const ExpertBlock& block, const GroupUnit& unit, const PackedLayout& layout, Matrix<const float> bias,
                float* tile) const {
    if (bias.data != nullptr && block.items != nullptr) {
      const int64_t first = unit.first * layout.row_group;
      cpu::add_bias({tile, unit.count, block.num_rows, layout.rows - first, bias.row(block.expert) + first, nullptr, 0,
                     false, unit.step},
                    layout.row_group, tile);
    }
  }

  void store_hidden(const ExpertBlock& block, const GroupUnit& unit, const PackedLayout& layout,
                    const float* tile) const {
    const int64_t lanes = layout.row_group;
    for (int g = 0; g < unit.count; ++g) {
      const int64_t first = (unit.first + g * unit.step) * lanes;
      const int64_t count = std::min(lanes, layout.rows - first);
      for (int m = 0; m < block.num_rows; ++m, tile += lanes) {
        const float weight = block.weight(m);
        float* out = scratch_.hidden + (block.first_row + m) * scratch_.hidden_stride + first;
        for (int64_t i = 0; i < count; ++i) {
          out[i] = weight * tile[i];
        }
      }
    }
  }

  /// By the thread that finished the block's last item: its rows are complete, and no barrier is needed for them.
  void prepare_hidden(const ExpertBlock& block) const {
    for (int64_t row = block.first_row; row < block.first_row + block.num_rows; ++row) {
      prepare_row(transform_, block.layer->down.plan.input, scratch_.hidden + row * scratch_.hidden_stride,
                  block.layer->width, nullptr, scratch_.prepared_hidden.row(row));
    }
  }

  /// A block's results for some row groups of a panel, apart from those of other experts, so that threads can share one
  /// list of whole matrices.
  void run_out_item(int64_t panel, int64_t item) const {
    const ExpertBlock& block = blocks_.of_out_item(item);
    const Projection& down = block.layer->down;
    const PackedMatrix matrix = down.weight->expert(block.expert);
    GroupUnit unit = block.out_units.unit(item - block.first_out_item);
    const int64_t first_group = panel * scratch_.panel_groups;
    const int64_t num_groups = matrix.layout.num_groups - first_group;
    while (unit.count > 0 && unit.first + (unit.count - 1) * unit.step >= num_groups) {
      --unit.count;  // the last panel may be narrower
    }
    if (unit.count == 0) {
      return;
    }
    const std::byte* rows[kMaxTileRows];
    for (int m = 0; m < block.num_rows; ++m) {
      rows[m] = scratch_.prepared_hidden.row(block.first_row + m);
    }
    alignas(64) float tile[kTileFloats];
    multiply_groups(down.plan, matrix, first_group + unit.first, unit.count, rows, block.num_rows, tile, unit.step);
    const int64_t lanes = matrix.layout.row_group;
    kernels_.finish({tile, unit.count, block.num_rows, matrix.layout.rows - (first_group + unit.first) * lanes, nullptr,
                     scratch_.partial + block.first_row * scratch_.partial_stride + unit.first * lanes,
                     scratch_.partial_stride, false, unit.step});
    if (call_.down_bias.data != nullptr && block.items != nullptr) {
      add_down_bias(block, unit, first_group, matrix.layout);
    }
  }

  /// Unlike the product, whose input carries the router's weight, the bias still has to be scaled.
  void add_down_bias(const ExpertBlock& block, const GroupUnit& unit, int64_t first_group,
                     const PackedLayout& layout) const {
    const int64_t lanes = layout.row_group;
    const float* bias = call_.down_bias.row(block.expert);
    for (int g = 0; g < unit.count; ++g) {
      const int64_t first = (unit.first + g * unit.step) * lanes;
      const int64_t column = first_group * lanes + first;
      const int64_t count = std::min(lanes, layout.rows - column);
      for (int m = 0; m < block.num_rows; ++m) {
        const float weight = block.weight(m);
        float* out = scratch_.partial + (block.first_row + m) * scratch_.partial_stride + first;
        for (int64_t i = 0; i < count; ++i) {
          out[i] += weight * bias[column + i];
        }
      }
    }
  }

  void list_rows_of_tokens() {
    // Blocks ascend by expert, so that a token's rows do.
    const int64_t per_token = scratch_.rows_per_token;
    std::fill_n(scratch_.num_rows_listed, num_tokens_, 0);
    for (const ExpertBlock& block : blocks_) {
      for (int m = 0; m < block.num_rows; ++m) {
        const int64_t token = block.token(m);
        scratch_.rows_of_tokens[token * per_token + scratch_.num_rows_listed[token]++] =
            static_cast<int32_t>(block.first_row + m);
      }
    }
  }

  /// out (+)= the results of a panel, a token's experts in ascending order.
  void add_partial(int64_t panel, unsigned thread) const {
    const int64_t first = panel * scratch_.panel_groups * routed_.down.weight->layout().row_group;
    const Range columns = split_range(std::min(scratch_.panel_cols, call_.out.cols - first), thread, num_threads_, 16);
    const int64_t per_token = scratch_.rows_per_token;
    for (int64_t t = 0; t < num_tokens_; ++t) {
      float* out = call_.out.row(first_token_ + t) + first;
      if (!call_.accumulate) {
        std::fill(out + columns.begin, out + columns.end, 0.0f);
      }
      for (int64_t k = 0; k < scratch_.num_rows_listed[t]; ++k) {
        const float* from = scratch_.partial + scratch_.rows_of_tokens[t * per_token + k] * scratch_.partial_stride;
        for (int64_t i = columns.begin; i < columns.end; ++i) {
          out[i] += from[i];
        }
      }
    }
  }

  const MoeCall call_;
  ThreadPool& pool_;
  const unsigned num_threads_;
  const LinearKernels& kernels_;
  const InputTransform transform_;
  const ExpertLayer routed_;
  const ExpertLayer shared_;
  const int64_t first_token_;
  const int64_t num_tokens_;
  const bool alone_;  // every thread prepares the input for itself
  const MoeScratch scratch_;
  ExpertBlocks blocks_;
  WorkShares hidden_items_;
  WorkShares out_items_;
};

}  // namespace

void moe(msc_stream& stream, const MoeCall& call) {
  wait_for_ops(stream);  // The plan reads the chosen experts.
  for (int64_t first = 0; first < call.input.rows; first += kMaxTokens) {
    run_section<MoeSection>(stream, call, first, std::min(kMaxTokens, call.input.rows - first));
  }
}

}  // namespace msc::cpu
