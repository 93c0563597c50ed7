#pragma once

#include "cuda/linear/linear.h"

namespace msc::cuda {

/// The LM head's products for listed features alone: out[r, ids[r][i]] = W[ids[r][i]] x[r] + bias, the same bits as
/// linear.h's, whose order of additions along K it shares; other columns of `out` are left as they are. For rows whose mask
/// allows few tokens: weights of 16 rows lie interleaved by two (tiled_weight.h), so a listed row costs the reading of two.
struct MaskedHeadParams {
  ElementType out_type;
  int64_t rows;
  const void* input;  // [rows, cols] bfloat16; the address and a row's bytes are multiples of 16
  int64_t input_stride;
  LinearTarget head;      // its out: [rows, at least the features]
  int64_t capacity;       // of each row's list
  const int32_t* ids;     // [rows, capacity], features of the head (allowed_ids of feed.h)
  const int32_t* counts;  // [rows]; a row with more than `capacity` is left alone
};

struct MaskedHeadPlan {
  unsigned blocks_of_row;  // 32 features each; those past a row's list end at once
};

/// Throws Error (bad argument) naming the field that is wrong.
MaskedHeadPlan plan_masked_head(const MaskedHeadParams& params);
void launch_masked_head(const MaskedHeadParams& params, const MaskedHeadPlan& plan, Stream stream);

}  // namespace msc::cuda
