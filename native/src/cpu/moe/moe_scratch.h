#pragma once

#include <cstddef>
#include <cstdint>

#include "core/device.h"
#include "cpu/linear/work_shares.h"
#include "cpu/moe/expert_blocks.h"

namespace msc::cpu {

/// Prepared rows of one kind.
struct PreparedRows {
  std::byte* data = nullptr;
  size_t stride = 0;

  std::byte* row(int64_t index) const { return data + static_cast<size_t>(index) * stride; }
};

/// The scratch memory of a run of the op over some tokens; uninitialised.
class MoeScratch {
 public:
  /// @param input_copies of the prepared input rows.
  MoeScratch(msc_stream& stream, const MoeCall& call, const ExpertLayer& routed, const ExpertLayer& shared,
             int64_t num_tokens, unsigned input_copies);

  /// [num_tokens] rows, or NULL for a kind that no matrix wants.
  PreparedRows input(InputKind kind, unsigned copy) const {
    const PreparedRows& rows = inputs_[static_cast<int>(kind)];
    return {rows.data == nullptr ? nullptr : rows.data + copy * input_bytes_, rows.stride};
  }

  int64_t rows_per_token = 0;  // hidden rows: one at each of its experts, the shared one included
  int64_t hidden_stride = 0;
  int64_t num_panels = 0;    // of the down projection: output features that are computed, then added, together
  int64_t panel_groups = 0;  // row groups of a panel; the last one may have fewer
  int64_t panel_cols = 0;
  int64_t partial_stride = 0;
  size_t widest_row = 0;  // of prepared rows, in bytes

  WorkShares::Share* hidden_shares = nullptr;  // [threads]
  WorkShares::Share* out_shares = nullptr;     // [threads]
  std::byte* list = nullptr;                   // of group_by_expert
  ExpertBlock* blocks = nullptr;
  float* hidden = nullptr;  // [num_tokens * rows_per_token, hidden_stride]
  PreparedRows prepared_hidden;
  float* partial = nullptr;            // [num_tokens * rows_per_token, partial_stride]: an expert's results of a panel
  int32_t* rows_of_tokens = nullptr;   // [num_tokens, rows_per_token] hidden rows, experts ascending
  int32_t* num_rows_listed = nullptr;  // [num_tokens]

 private:
  PreparedRows inputs_[kNumInputKinds];
  size_t input_bytes_ = 0;  // of one copy
};

}  // namespace msc::cpu
