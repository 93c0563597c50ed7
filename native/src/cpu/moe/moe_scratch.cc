#include "cpu/moe/moe_scratch.h"

#include <algorithm>

#include "cpu/linear/prepared_rows.h"

namespace msc::cpu {
namespace {

/// Results that wait to be added: more than one token's, so that decode has one panel, and little enough for the caches.
constexpr int64_t kPartialBytes = int64_t{8} << 20;
/// Narrower panels would end the streams through the weights too soon.
constexpr int64_t kMinPanelGroups = 8;

/// Hands out parts of a block of memory; of none at first, to learn how large it must be.
class Parts {
 public:
  explicit Parts(std::byte* memory) : memory_(memory) {}

  template <class T>
  void take(T*& part, size_t count) {
    part = memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + taken_);
    taken_ += (count * sizeof(T) + 63) / 64 * 64;
  }
  size_t taken() const { return taken_; }

 private:
  std::byte* memory_;
  size_t taken_ = 0;
};

}  // namespace

MoeScratch::MoeScratch(msc_stream& stream, const MoeCall& call, const ExpertLayer& routed, const ExpertLayer& shared,
                       int64_t num_tokens, unsigned input_copies) {
  rows_per_token = call.ids.cols + (shared ? 1 : 0);
  hidden_stride = (std::max(routed.width, shared.width) + 15) / 16 * 16;
  prepared_hidden.stride = prepared_row_bytes(routed.down.plan.input, routed.width);
  if (shared) {
    prepared_hidden.stride =
        std::max(prepared_hidden.stride, prepared_row_bytes(shared.down.plan.input, shared.width));
  }
  widest_row = prepared_hidden.stride;
  for (int kind = 0; kind < kNumInputKinds; ++kind) {
    const auto input = static_cast<InputKind>(kind);
    if (routed.wants(input) || shared.wants(input)) {
      inputs_[kind].stride = prepared_row_bytes(input, call.input.cols);
      widest_row = std::max(widest_row, inputs_[kind].stride);
      input_bytes_ += inputs_[kind].stride * static_cast<size_t>(num_tokens);
    }
  }
  const int64_t num_rows = num_tokens * rows_per_token;
  const int64_t num_experts = routed.gate.weight->num_experts();
  const PackedLayout& down = routed.down.weight->layout();
  const int64_t group_bytes = num_rows * down.row_group * static_cast<int64_t>(sizeof(float));
  const int64_t limit = std::max(kPartialBytes / group_bytes, kMinPanelGroups);
  num_panels = (down.num_groups + limit - 1) / limit;
  panel_groups = (down.num_groups + num_panels - 1) / num_panels;
  panel_cols = panel_groups * down.row_group;
  // An odd number of cache lines, so that rows do not fall on the same sets of the cache.
  partial_stride = ((panel_cols + 15) / 16 | 1) * 16;
  const auto rows = static_cast<size_t>(num_rows);
  const unsigned num_threads = stream.device->pool.num_threads();

  const auto lay_out = [&](std::byte* memory) {
    Parts parts(memory);
    parts.take(hidden_shares, num_threads);
    parts.take(out_shares, num_threads);
    parts.take(list, static_cast<size_t>(assignments_bytes(num_tokens, call.ids.cols, num_experts)));
    parts.take(blocks, static_cast<size_t>(ExpertBlocks::max_blocks(num_rows, num_experts)));
    parts.take(hidden, rows * static_cast<size_t>(hidden_stride));
    parts.take(prepared_hidden.data, rows * prepared_hidden.stride);
    parts.take(partial, rows * static_cast<size_t>(partial_stride));
    parts.take(rows_of_tokens, rows);
    parts.take(num_rows_listed, static_cast<size_t>(num_tokens));
    std::byte* inputs = nullptr;
    parts.take(inputs, input_bytes_ * input_copies);
    for (PreparedRows& input : inputs_) {
      if (memory != nullptr && input.stride != 0) {
        input.data = inputs;
        inputs += input.stride * static_cast<size_t>(num_tokens);
      }
    }
    return parts.taken();
  };
  lay_out(stream.scratch(lay_out(nullptr)));
}

}  // namespace msc::cpu
