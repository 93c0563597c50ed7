#include "cuda/attention/launch.h"

namespace msc::cuda {

void launch_attention_i8(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream) {
  launch_attention_type<KvType::kI8>(params, plan, grid, stream);
}

}  // namespace msc::cuda
