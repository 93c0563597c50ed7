#pragma once

#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"

namespace msc::cuda {

/// out[t] (+)= sum_k weights[t, k] * rows[row_of_choice[t, k]] + rows[shared_row + t]: choices in their order, then the shared
/// expert, then what was in out; float32 sums. A bad choice makes the token's row NaN.
struct ExpertCombineParams {
  ElementType rows_type;
  ElementType out_type;
  bool accumulate;               // add to out
  int64_t tokens;
  int64_t top_k;
  int64_t cols;
  const void* rows;              // [rows, cols]
  int64_t rows_stride;
  const int32_t* row_of_choice;  // [tokens, top_k], dense; see expert_sort.h
  const float* weights;          // [tokens, top_k]
  int64_t weights_stride;
  int64_t shared_row;            // row of token 0 at the shared expert, or -1: none
  void* out;                     // [tokens, cols]
  int64_t out_stride;
};

/// Elements are independent, so the plan may follow all sizes.
struct ExpertCombinePlan {
  unsigned blocks_of_row;
  unsigned threads;
  bool packed;
};

/// Throws Error (bad argument) naming the field that is wrong.
ExpertCombinePlan plan_expert_combine(const ExpertCombineParams& params);
void launch_expert_combine(const ExpertCombineParams& params, const ExpertCombinePlan& plan, Stream stream);

}  // namespace msc::cuda
