#include "cpu/kv/layout.h"

#include <limits>

#include "core/error.h"

namespace msc::cpu {
namespace {

constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxPageTokens = 1 << 20;
constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxRoutedExperts = 1 << 16;
constexpr uint64_t kAlignment = 64;

void check_range(int64_t value, int64_t low, int64_t high, const char* field) {
  MSC_CHECK_ARGUMENT(value >= low && value <= high, "msc_kv_cache_desc.%s is %lld, must be %lld to %lld", field,
                     static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high));
}

uint64_t element_bytes(int32_t format) {
  switch (format) {
    case MSC_FORMAT_F32:
      return 4;
    case MSC_FORMAT_BF16:
      return 2;
    case MSC_FORMAT_I8:
      return 1;
    default:
      throw_error(MSC_STATUS_BAD_ARGUMENT,
                  "msc_kv_cache_desc.format is %d, must be MSC_FORMAT_F32 (%d), MSC_FORMAT_BF16 (%d) or MSC_FORMAT_I8 (%d)",
                  format, MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8);
  }
}

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

uint64_t checked_product(uint64_t a, uint64_t b, const char* what) {
  uint64_t product = 0;
  MSC_CHECK_ARGUMENT(!__builtin_mul_overflow(a, b, &product) && product <= (uint64_t{1} << 62),
                     "msc_kv_cache_desc: %s overflow (%llu x %llu bytes): lower num_layers, num_kv_heads or num_pages", what,
                     static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
  return product;
}

void set_routing_state(const msc_kv_cache_desc& desc, KvLayout& layout) {
  if (desc.routed_experts == 0 && desc.routed_choices == 0) {
    return;
  }
  check_range(desc.routed_experts, 1, kMaxRoutedExperts, "routed_experts");
  check_range(desc.routed_choices, 1, desc.routed_experts, "routed_choices");
  MSC_CHECK_ARGUMENT(desc.window != 1,
                     "msc_kv_cache_desc.window is 1: counts of chosen experts go on from the page before, which must be in "
                     "the window; use 0 or at least 2");
  layout.routed_experts = desc.routed_experts;
  layout.routed_choices = desc.routed_choices;
  layout.routing_bytes = aligned(static_cast<uint64_t>(desc.routed_experts + desc.page_tokens * desc.routed_choices) *
                                 sizeof(int32_t));
}

}  // namespace

KvLayout make_kv_layout(const msc_kv_cache_desc& desc) {
  KvLayout layout{};
  layout.element_bytes = element_bytes(desc.format);
  check_range(desc.num_layers, 1, kMaxCount, "num_layers");
  check_range(desc.num_kv_heads, 1, kMaxCount, "num_kv_heads");
  check_range(desc.k_width, 1, kMaxWidth, "k_width");
  if (desc.latent_width != 0) {
    check_range(desc.latent_width, 1, desc.k_width - 1, "latent_width");
    MSC_CHECK_ARGUMENT(desc.v_width == 0, "msc_kv_cache_desc.v_width is %lld, must be 0 with a latent_width",
                       static_cast<long long>(desc.v_width));
    MSC_CHECK_ARGUMENT(desc.num_kv_heads == 1, "msc_kv_cache_desc.num_kv_heads is %lld, must be 1 with a latent_width",
                       static_cast<long long>(desc.num_kv_heads));
  } else {
    MSC_CHECK_ARGUMENT(desc.v_width != 0,
                       "msc_kv_cache_desc.v_width is 0: values that are a prefix of the keys need a latent_width");
    check_range(desc.v_width, 1, kMaxWidth, "v_width");
  }
  check_range(desc.page_tokens, kKvGroup, kMaxPageTokens, "page_tokens");
  MSC_CHECK_ARGUMENT(desc.page_tokens % kKvGroup == 0, "msc_kv_cache_desc.page_tokens is %lld, must be a multiple of %lld",
                     static_cast<long long>(desc.page_tokens), static_cast<long long>(kKvGroup));
  check_range(desc.num_pages, 1, kMaxCount, "num_pages");
  check_range(desc.window, 0, std::numeric_limits<int64_t>::max(), "window");
  MSC_CHECK_ARGUMENT(desc.reserved == 0, "msc_kv_cache_desc.reserved is %u, must be 0", desc.reserved);

  layout.format = desc.format;
  layout.num_layers = desc.num_layers;
  layout.num_kv_heads = desc.num_kv_heads;
  layout.k_width = desc.k_width;
  layout.latent_width = desc.latent_width;
  layout.v_width = layout.is_latent() ? desc.latent_width : desc.v_width;
  layout.v_padded = (desc.v_width + kKvGroup - 1) / kKvGroup * kKvGroup;
  layout.page_tokens = desc.page_tokens;
  layout.num_pages = desc.num_pages;
  layout.window = desc.window;
  layout.group = desc.group;

  const auto tokens = static_cast<uint64_t>(desc.page_tokens);
  const uint64_t scale_bytes = desc.format == MSC_FORMAT_I8 ? tokens * sizeof(float) : 0;
  layout.v_offset = aligned(tokens * static_cast<uint64_t>(layout.k_width) * layout.element_bytes);
  layout.k_scale_offset = layout.v_offset + aligned(tokens * static_cast<uint64_t>(layout.v_padded) * layout.element_bytes);
  layout.v_scale_offset = layout.k_scale_offset + aligned(scale_bytes);
  layout.head_bytes = layout.v_scale_offset + aligned(scale_bytes);
  const uint64_t layer_bytes =
      checked_product(layout.head_bytes, static_cast<uint64_t>(desc.num_kv_heads), "a layer's bytes");
  layout.routing_offset = checked_product(layer_bytes, static_cast<uint64_t>(desc.num_layers), "a page's bytes");
  set_routing_state(desc, layout);
  layout.page_bytes = layout.routing_offset + checked_product(layout.routing_bytes, static_cast<uint64_t>(desc.num_layers),
                                                              "a page's routing state");
  layout.total_bytes = checked_product(layout.page_bytes, static_cast<uint64_t>(desc.num_pages), "the cache's bytes");
  return layout;
}

}  // namespace msc::cpu
