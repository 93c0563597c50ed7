#include "cuda/attention/launch.h"

namespace msc::cuda {

void launch_attention_bf16(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream) {
  launch_attention_type<KvType::kBf16>(params, plan, grid, stream);
}

}  // namespace msc::cuda
