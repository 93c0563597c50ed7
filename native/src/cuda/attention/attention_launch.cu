#include "cuda/attention/combine_kernel.h"
#include "cuda/attention/launch.h"

namespace msc::cuda {
namespace {

template <int kColumns>
void launch_combine(const AttentionParams& params, const AttentionGrid& grid, Stream stream) {
  launch("attention_combine_kernel", attention_combine_kernel<kColumns>, Extent{grid.combine_blocks},
         Extent{kCombineWarps * kWarp}, 0, stream, params);
}

}  // namespace

void launch_attention(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream) {
  switch (params.pages.type) {
    case KvType::kBf16:
      launch_attention_bf16(params, plan, grid, stream);
      break;
    case KvType::kF8E4M3:
      launch_attention_f8(params, plan, grid, stream);
      break;
    case KvType::kI8:
      launch_attention_i8(params, plan, grid, stream);
      break;
  }
  if (grid.combine_blocks > 0) {
    plan.v_tile <= 128 ? launch_combine<4>(params, grid, stream) : launch_combine<8>(params, grid, stream);
  }
}

}  // namespace msc::cuda
