#include "cuda/attention/launch.h"

namespace msc::cuda {

void launch_attention_f8(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream) {
  launch_attention_type<KvType::kF8E4M3>(params, plan, grid, stream);
}

}  // namespace msc::cuda
