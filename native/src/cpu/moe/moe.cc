#include "cpu/moe/moe.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "cpu/linear/matrix_rows.h"
#include "cpu/linear/prepared_rows.h"
#include "cpu/moe/assignments.h"
#include "cpu/weight/weight.h"

namespace msc::cpu {
namespace {

/// Tokens whose hidden rows are held at a time; bounds scratch memory for long prefill chunks.
constexpr int64_t kMaxTokens = 2048;
/// Row groups of one task: enough work to outweigh claiming it, few enough to balance one token's experts.
constexpr int64_t kTaskGroups = 8;
/// Prepared rows of one pass should fit the second-level cache beside the weights.
constexpr int64_t kRowBlockBytes = 192 * 1024;
/// Two groups of 16 lanes for a full block of rows, more groups for a few rows.
constexpr int64_t kTileFloats = kMaxTileRows * 2 * 16;
static_assert(kTileFloats >= 8 * kMaxTileGroups * 16);

struct Projection {
  const msc_weight* weight = nullptr;
  MatrixPlan plan = {};
};

/// Rows that one pass over a matrix takes, in whole tiles of every instruction set.
int64_t block_rows(size_t row_bytes) {
  constexpr int64_t kTileRows = 12;
  return std::clamp(kRowBlockBytes / static_cast<int64_t>(row_bytes) / kTileRows * kTileRows, 2 * kTileRows,
                    static_cast<int64_t>(kMaxTileRows));
}

/// An expert layer's matrices with their kernels.
struct Layer {
  Projection gate, up, down;
  int64_t width = 0;  // I

  explicit operator bool() const { return gate.weight != nullptr; }
};

/// A touched expert, or the shared one: hidden rows [begin, end), one for each of its tokens.
struct Expert {
  const Layer* layer;
  int64_t index;
  int64_t begin;
  int64_t end;
  const Assignment* items;  // of the row at begin; NULL: the shared expert, token = row - begin, weight 1

  int64_t token(int64_t row) const { return items == nullptr ? row - begin : items[row - begin].token; }
  float weight(int64_t row) const { return items == nullptr ? 1.0f : items[row - begin].weight; }
};

/// Prepared rows of one kind.
struct Rows {
  std::byte* data = nullptr;
  size_t stride = 0;

  std::byte* row(int64_t index) const { return data + static_cast<size_t>(index) * stride; }
};

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

Layer layer_of(const LinearKernels& kernels, const ExpertWeights& weights, int32_t precision) {
  if (weights.gate == nullptr) {
    return {};
  }
  const auto projection = [&](const msc_weight* weight) {
    return Projection{weight, plan_matrix(kernels, weight->layout().format, precision)};
  };
  return {projection(weights.gate), projection(weights.up), projection(weights.down), weights.gate->layout().rows};
}

/// The work on one block of tokens.
class Block {
 public:
  Block(msc_stream& stream, const MoeCall& call, int64_t first_token, int64_t num_tokens)
      : call_(call),
        device_(*stream.device),
        kernels_(linear_kernels(device_.isa, device_.features)),
        routed_(layer_of(kernels_, call.experts, call.precision)),
        shared_(layer_of(kernels_, call.shared, call.precision)),
        first_token_(first_token),
        num_tokens_(num_tokens),
        hidden_size_(call.input.cols) {
    take_memory(stream);
    list_experts();
  }

  void run() {
    device_.pool.run([this](unsigned thread) {
      const unsigned threads = device_.pool.num_threads();
      prepare_input(split_range(num_tokens_, thread, threads));
      device_.pool.barrier();
      for (int64_t task; (task = next_hidden_task_.fetch_add(1, std::memory_order_relaxed)) < num_hidden_tasks_;) {
        run_hidden_task(task);
      }
      device_.pool.barrier();
      prepare_hidden(split_range(num_rows_, thread, threads));
      device_.pool.barrier();
      const int64_t groups = routed_.down.weight->layout().num_groups;
      for (int64_t group; (group = next_out_group_.fetch_add(kTaskGroups, std::memory_order_relaxed)) < groups;) {
        run_out_task(group, std::min(group + kTaskGroups, groups));
      }
    });
  }

 private:
  void take_memory(msc_stream& stream) {
    const int64_t top_k = call_.ids.cols;
    num_rows_ = num_tokens_ * (top_k + (shared_ ? 1 : 0));
    hidden_stride_ = (std::max(routed_.width, shared_.width) + 15) / 16 * 16;
    const int64_t num_experts = routed_.gate.weight->num_experts();
    const size_t list_bytes = aligned(static_cast<size_t>(assignments_bytes(num_tokens_, top_k, num_experts)));
    const size_t expert_bytes = aligned(static_cast<size_t>(num_experts + 1) * sizeof(Expert));
    const size_t hidden_bytes = aligned(static_cast<size_t>(num_rows_ * hidden_stride_) * sizeof(float));
    prepared_hidden_.stride = prepared_row_bytes(routed_.down.plan.input, routed_.width);
    if (shared_) {
      prepared_hidden_.stride =
          std::max(prepared_hidden_.stride, prepared_row_bytes(shared_.down.plan.input, shared_.width));
    }
    size_t total = list_bytes + expert_bytes + hidden_bytes +
                   prepared_hidden_.stride * static_cast<size_t>(num_rows_);
    for (int kind = 0; kind < kNumInputKinds; ++kind) {
      if (wants(static_cast<InputKind>(kind))) {
        inputs_[kind].stride = prepared_row_bytes(static_cast<InputKind>(kind), hidden_size_);
        total += inputs_[kind].stride * static_cast<size_t>(num_tokens_);
      }
    }
    std::byte* memory = stream.scratch(total);
    const auto take = [&memory](size_t bytes) {
      std::byte* part = memory;
      memory += bytes;
      return part;
    };
    list_memory_ = take(list_bytes);
    experts_ = reinterpret_cast<Expert*>(take(expert_bytes));
    hidden_ = reinterpret_cast<float*>(take(hidden_bytes));
    prepared_hidden_.data = take(prepared_hidden_.stride * static_cast<size_t>(num_rows_));
    for (Rows& rows : inputs_) {
      rows.data = take(rows.stride * static_cast<size_t>(num_tokens_));
    }
  }

  bool wants(InputKind kind) const {
    const auto uses = [kind](const Layer& layer) { return layer && (layer.gate.plan.input == kind || layer.up.plan.input == kind); };
    return uses(routed_) || uses(shared_);
  }

  void list_experts() {
    const Assignments list =
        group_by_expert(call_.ids.row(first_token_), call_.ids.stride, call_.weights.row(first_token_),
                        call_.weights.stride, num_tokens_, call_.ids.cols, routed_.gate.weight->num_experts(), list_memory_);
    for (int32_t i = 0; i < list.num_experts; ++i) {
      experts_[num_experts_++] = {&routed_, list.experts[i], list.offsets[i], list.offsets[i + 1],
                                  list.items + list.offsets[i]};
    }
    if (shared_) {
      experts_[num_experts_++] = {&shared_, 0, list.num_items, list.num_items + num_tokens_, nullptr};
    }
    tasks_per_routed_ = num_tasks(routed_);
    num_hidden_tasks_ = tasks_per_routed_ * list.num_experts + (shared_ ? num_tasks(shared_) : 0);
  }

  static int64_t num_tasks(const Layer& layer) {
    return (layer.gate.weight->layout().num_groups + kTaskGroups - 1) / kTaskGroups;
  }

  void prepare_input(Range tokens) {
    const InputTransform transform = {&kernels_, nullptr, nullptr, 0.0f};
    for (int kind = 0; kind < kNumInputKinds; ++kind) {
      for (int64_t t = tokens.begin; inputs_[kind].stride != 0 && t < tokens.end; ++t) {
        prepare_row(transform, static_cast<InputKind>(kind), call_.input.row(first_token_ + t), hidden_size_, nullptr,
                    inputs_[kind].row(t));
      }
    }
  }

  /// hidden = weight * act(gate x) * up x for all tokens of one expert and kTaskGroups row groups. Scaling by the
  /// router's weight here rather than after the down projection saves a pass over its results.
  void run_hidden_task(int64_t task) {
    const int64_t routed_tasks = tasks_per_routed_ * (num_experts_ - (shared_ ? 1 : 0));
    const Expert& expert =
        task < routed_tasks ? experts_[task / tasks_per_routed_] : experts_[num_experts_ - 1];
    const int64_t within = task < routed_tasks ? task % tasks_per_routed_ : task - routed_tasks;
    const Layer& layer = *expert.layer;
    const PackedMatrix gate = layer.gate.weight->expert(expert.index);
    const PackedMatrix up = layer.up.weight->expert(expert.index);
    const int64_t end = std::min((within + 1) * kTaskGroups, gate.layout.num_groups);
    const std::byte* gate_rows[kMaxTileRows];
    const std::byte* up_rows[kMaxTileRows];
    alignas(64) float gate_tile[kTileFloats];
    alignas(64) float up_tile[kTileFloats];
    const int64_t step = block_rows(inputs_[static_cast<int>(layer.gate.plan.input)].stride);
    for (int64_t row = expert.begin; row < expert.end; row += step) {
      const auto num_rows = static_cast<int>(std::min(step, expert.end - row));
      const int64_t group_step = groups_per_call(num_rows);
      for (int m = 0; m < num_rows; ++m) {
        const int64_t token = expert.token(row + m);
        gate_rows[m] = inputs_[static_cast<int>(layer.gate.plan.input)].row(token);
        up_rows[m] = inputs_[static_cast<int>(layer.up.plan.input)].row(token);
      }
      for (int64_t group = within * kTaskGroups; group < end; group += group_step) {
        const auto num_groups = static_cast<int>(std::min(group_step, end - group));
        multiply_groups(layer.gate.plan, gate, group, num_groups, gate_rows, num_rows, gate_tile);
        multiply_groups(layer.up.plan, up, group, num_groups, up_rows, num_rows, up_tile);
        kernels_.gate(call_.activation, gate_tile, up_tile,
                      static_cast<int64_t>(num_groups) * num_rows * gate.layout.row_group);
        store_hidden(expert, gate.layout, row, group, num_groups, num_rows, gate_tile);
      }
    }
  }

  void store_hidden(const Expert& expert, const PackedLayout& layout, int64_t row, int64_t group, int num_groups,
                    int num_rows, const float* tile) {
    const int64_t lanes = layout.row_group;
    for (int g = 0; g < num_groups; ++g) {
      const int64_t first = (group + g) * lanes;
      const int64_t count = std::min(lanes, layout.rows - first);
      for (int m = 0; m < num_rows; ++m, tile += lanes) {
        const float weight = expert.weight(row + m);
        float* out = hidden_ + (row + m) * hidden_stride_ + first;
        for (int64_t i = 0; i < count; ++i) {
          out[i] = weight * tile[i];
        }
      }
    }
  }

  void prepare_hidden(Range rows) {
    const InputTransform transform = {&kernels_, nullptr, nullptr, 0.0f};
    const int64_t num_routed = num_tokens_ * call_.ids.cols;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const Layer& layer = row < num_routed ? routed_ : shared_;
      prepare_row(transform, layer.down.plan.input, hidden_ + row * hidden_stride_, layer.width, nullptr,
                  prepared_hidden_.row(row));
    }
  }

  /// Output features of row groups [begin, end): every expert in order, so that no two threads add to one element.
  void run_out_task(int64_t begin, int64_t end) {
    const PackedLayout& layout = routed_.down.weight->layout();
    const int64_t lanes = layout.row_group;
    if (!call_.accumulate) {
      const int64_t last = std::min(end * lanes, layout.rows);
      for (int64_t t = 0; t < num_tokens_; ++t) {
        float* out = call_.out.row(first_token_ + t);
        std::fill(out + begin * lanes, out + last, 0.0f);
      }
    }
    const std::byte* rows[kMaxTileRows];
    alignas(64) float tile[kTileFloats];
    for (int64_t e = 0; e < num_experts_; ++e) {
      const Expert& expert = experts_[e];
      const Projection& down = expert.layer->down;
      const PackedMatrix matrix = down.weight->expert(expert.index);
      const int64_t step = block_rows(prepared_hidden_.stride);
      for (int64_t row = expert.begin; row < expert.end; row += step) {
        const auto num_rows = static_cast<int>(std::min(step, expert.end - row));
        const int64_t group_step = groups_per_call(num_rows);
        for (int m = 0; m < num_rows; ++m) {
          rows[m] = prepared_hidden_.row(row + m);
        }
        for (int64_t group = begin; group < end; group += group_step) {
          const auto num_groups = static_cast<int>(std::min(group_step, end - group));
          multiply_groups(down.plan, matrix, group, num_groups, rows, num_rows, tile);
          add_out(expert, layout, row, group, num_groups, num_rows, tile);
        }
      }
    }
  }

  void add_out(const Expert& expert, const PackedLayout& layout, int64_t row, int64_t group, int num_groups,
               int num_rows, const float* tile) {
    const int64_t lanes = layout.row_group;
    for (int g = 0; g < num_groups; ++g) {
      const int64_t first = (group + g) * lanes;
      const int64_t count = std::min(lanes, layout.rows - first);
      for (int m = 0; m < num_rows; ++m, tile += lanes) {
        float* out = call_.out.row(first_token_ + expert.token(row + m)) + first;
        for (int64_t i = 0; i < count; ++i) {
          out[i] += tile[i];
        }
      }
    }
  }

  const MoeCall& call_;
  msc_device& device_;
  const LinearKernels& kernels_;
  const Layer routed_;
  const Layer shared_;
  const int64_t first_token_;
  const int64_t num_tokens_;
  const int64_t hidden_size_;  // H
  int64_t num_rows_ = 0;       // of hidden: every token at every one of its experts
  int64_t hidden_stride_ = 0;
  std::byte* list_memory_ = nullptr;
  Expert* experts_ = nullptr;  // touched ones ascending, then the shared one
  int64_t num_experts_ = 0;
  Rows inputs_[kNumInputKinds];
  float* hidden_ = nullptr;
  Rows prepared_hidden_;
  int64_t tasks_per_routed_ = 0;
  int64_t num_hidden_tasks_ = 0;
  std::atomic<int64_t> next_hidden_task_{0};
  std::atomic<int64_t> next_out_group_{0};
};

}  // namespace

void moe(msc_stream& stream, const MoeCall& call) {
  for (int64_t first = 0; first < call.input.rows; first += kMaxTokens) {
    Block(stream, call, first, std::min(kMaxTokens, call.input.rows - first)).run();
  }
}

}  // namespace msc::cpu
