#include "cuda/rope/kv_pages.h"

#include "cuda/device/plan.h"

namespace msc::cuda {
namespace {

int64_t aligned(int64_t bytes) { return (bytes + 127) / 128 * 128; }

}  // namespace

KvPages lay_out_kv_pages(KvType type, int64_t num_layers, int64_t num_kv_heads, int64_t k_width, int64_t v_width,
                         int64_t page_tokens) {
  check_range(num_layers, 1, 1 << 16, "KV pages: num_layers");
  check_range(num_kv_heads, 1, 1 << 16, "KV pages: num_kv_heads");
  check_range(k_width, 1, 1024, "KV pages: k_width");
  check_range(v_width, 1, 1024, "KV pages: v_width");
  check_range(page_tokens, 16, 1 << 16, "KV pages: page_tokens");
  MSC_CHECK_ARGUMENT(page_tokens % 16 == 0, "KV pages: page_tokens is %lld, must be a multiple of 16",
                     static_cast<long long>(page_tokens));
  const int64_t element = type == KvType::kBf16 ? 2 : 1;
  const int64_t scale_bytes = type == KvType::kBf16 ? 0 : aligned(page_tokens * 4);
  KvPages pages = {};
  pages.type = type;
  pages.num_layers = num_layers;
  pages.num_kv_heads = num_kv_heads;
  pages.k_width = k_width;
  pages.v_width = v_width;
  pages.page_tokens = page_tokens;
  pages.v_offset = aligned(page_tokens * k_width * element);
  pages.k_scale_offset = pages.v_offset + aligned(page_tokens * v_width * element);
  pages.v_scale_offset = pages.k_scale_offset + scale_bytes;
  pages.head_bytes = pages.v_scale_offset + scale_bytes;
  // At most 2^16 * 2^16 * (2^28 + small), below 2^61.
  pages.page_bytes = pages.head_bytes * num_kv_heads * num_layers;
  return pages;
}

}  // namespace msc::cuda
