#include <cmath>

#include "cuda/attention/layout.h"
#include "cuda/device/plan.h"

namespace msc::cuda {
namespace {

constexpr unsigned kMaxBlocksOfProcessor = 2;  // 128 threads of up to 255 registers each

/// Widths that kernels are compiled for. Others run in the narrowest that has room, whose further channels are zero and
/// are never read from memory: decoding costs no more, prefill as if the heads were that wide.
struct TileWidths {
  int k;
  int v;
};
constexpr TileWidths kTiles[] = {{64, 64}, {128, 128}, {192, 128}, {256, 256}};

}  // namespace

AttentionPlan plan_attention(const AttentionParams& params) {
  const KvPages& pages = params.pages;
  check_range(params.num_q_heads, 1, 1 << 16, "attention: num_q_heads");
  check_range(params.layer, 0, pages.num_layers - 1, "attention: layer");
  MSC_CHECK_ARGUMENT(params.num_q_heads % pages.num_kv_heads == 0, "attention: %lld query heads are no multiple of %lld KV heads",
                     static_cast<long long>(params.num_q_heads), static_cast<long long>(pages.num_kv_heads));
  check_range(pages.k_width, 1, 256, "attention: k_width");
  check_range(pages.v_width, 1, 256, "attention: v_width");
  check_range(params.window, 0, INT32_MAX, "attention: window");
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "attention: scale is %g, must be finite", static_cast<double>(params.scale));
  MSC_CHECK_ARGUMENT(std::isfinite(params.softcap) && params.softcap >= 0.0f,
                     "attention: softcap is %g, must be finite and not negative", static_cast<double>(params.softcap));
  MSC_CHECK_ARGUMENT(params.tree == nullptr || params.window == 0,
                     "attention: a window of %lld goes with a tree of tokens, whose places are not their positions",
                     static_cast<long long>(params.window));
  if (params.bias != nullptr) {
    check_range(params.bias_reach, 0, 1 << 24, "attention: bias_reach");
    check_range(params.bias_stride, 2 * params.bias_reach + 1, INT32_MAX, "attention: bias_stride");
  }
  MSC_CHECK_ARGUMENT(params.q != nullptr && params.out != nullptr && params.cache != nullptr && params.page_table != nullptr,
                     "attention: q, out, cache or page_table is NULL");
  MSC_CHECK_ARGUMENT(reinterpret_cast<uintptr_t>(params.cache) % 128 == 0, "attention: the cache is not aligned to 128 bytes");
  AttentionPlan plan = {};
  for (const TileWidths& tile : kTiles) {
    if (pages.k_width <= tile.k && pages.v_width <= tile.v) {
      plan.k_tile = tile.k;
      plan.v_tile = tile.v;
      break;
    }
  }
  const int64_t element = element_bytes(pages.type);
  plan.packed.queries = is_packable(params.q, params.q_stride, bytes_of(params.type)) &&
                        pages.k_width * bytes_of(params.type) % 16 == 0;
  plan.packed.pages = pages.k_width * element % 16 == 0 && pages.v_width * element % 16 == 0;
  plan.warp_bytes = static_cast<size_t>(warp_bytes(pages.type, plan.k_tile, plan.v_tile));
  plan.warps_of_block = static_cast<unsigned>(size_t{kBlockShared} / plan.warp_bytes);
  plan.warps_of_block = plan.warps_of_block < kMaxWarps ? plan.warps_of_block : kMaxWarps;
  plan.block_bytes = static_cast<size_t>(block_bytes(pages.type, plan.k_tile, plan.v_tile));
  plan.blocks_of_processor = static_cast<unsigned>(size_t{kProcessorShared} / (plan.block_bytes + kSystemShared));
  plan.blocks_of_processor =
      plan.blocks_of_processor < kMaxBlocksOfProcessor ? plan.blocks_of_processor : kMaxBlocksOfProcessor;
  return plan;
}

}  // namespace msc::cuda
