#pragma once

#include "cuda/attention/block_kernel.h"
#include "cuda/attention/warp_kernel.h"

namespace msc::cuda {

// One file a type of pages, so that they compile beside one another.

template <KvType kType, int kK, int kV>
void launch_attention_as(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream) {
  if (grid.warp_blocks > 0) {
    launch("attention_warp_kernel", attention_warp_kernel<kType, kK, kV>, Extent{grid.warp_blocks},
           Extent{plan.warps_of_block * kWarp}, plan.warps_of_block * plan.warp_bytes, stream, params, plan.packed);
  }
  if (grid.block_blocks > 0) {
    launch("attention_block_kernel", attention_block_kernel<kType, kK, kV>, Extent{grid.block_blocks},
           Extent{kBlockWarps * kWarp}, plan.block_bytes, stream, params, plan.packed);
  }
}

template <KvType kType>
void launch_attention_type(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid,
                           Stream stream) {
  if (plan.k_tile == 64) {
    launch_attention_as<kType, 64, 64>(params, plan, grid, stream);
  } else if (plan.k_tile == 128) {
    launch_attention_as<kType, 128, 128>(params, plan, grid, stream);
  } else if (plan.k_tile == 192) {
    launch_attention_as<kType, 192, 128>(params, plan, grid, stream);
  } else {
    launch_attention_as<kType, 256, 256>(params, plan, grid, stream);
  }
}

void launch_attention_bf16(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream);
void launch_attention_f8(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream);
void launch_attention_i8(const AttentionParams& params, const AttentionPlan& plan, const AttentionGrid& grid, Stream stream);

}  // namespace msc::cuda
