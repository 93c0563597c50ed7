#pragma once

#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/device/type.h"

namespace msc::cuda {

/// out[t] (+)= scale * table[ids[t]]. Ids lie on the device, where sampling leaves them: an id outside the table makes the
/// row NaN, so that the damage is seen and nothing else is read.
struct EmbeddingParams {
  ElementType table_type;
  ElementType out_type;
  bool accumulate;
  float scale;
  int64_t tokens;
  int64_t table_rows;
  int64_t cols;
  const int32_t* ids;  // [tokens]
  const void* table;   // [table_rows, cols]
  int64_t table_stride;
  void* out;  // [tokens, cols]
  int64_t out_stride;
};

struct EmbeddingPlan {
  unsigned blocks_of_row;
  unsigned threads;
};

/// Throws Error (bad argument) naming the field that is wrong.
EmbeddingPlan plan_embedding(const EmbeddingParams& params);
void launch_embedding(const EmbeddingParams& params, const EmbeddingPlan& plan, Stream stream);

}  // namespace msc::cuda
