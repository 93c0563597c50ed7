#include "cpu/kv/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

msc_kv_cache::msc_kv_cache(msc_device* owner, const msc::cpu::KvLayout& page_layout)
    : device(owner), layout(page_layout), memory(page_layout.total_bytes) {
  device->live_objects.fetch_add(1);
}

msc_kv_cache::~msc_kv_cache() { device->live_objects.fetch_sub(1); }

namespace msc::cpu {

void check_layer(const msc_kv_cache& cache, int64_t layer) {
  MSC_CHECK_ARGUMENT(layer >= 0 && layer < cache.layout.num_layers, "layer is %lld, the cache has %lld layers",
                     static_cast<long long>(layer), static_cast<long long>(cache.layout.num_layers));
}

void check_page_tables(const msc_batch& batch, const msc_kv_cache& cache, KvUse use, int64_t window) {
  const KvLayout& layout = cache.layout;
  MSC_CHECK_ARGUMENT(batch.device == cache.device, "the batch belongs to another device than the cache");
  MSC_CHECK_ARGUMENT(layout.group < batch.limits.num_kv_groups, "the cache is of group %u, the batch has %u groups",
                     layout.group, batch.limits.num_kv_groups);
  for (int64_t s = 0; s < batch.num_sequences; ++s) {
    const int32_t begin = batch.query_offsets[static_cast<size_t>(s)];
    const int32_t end = batch.query_offsets[static_cast<size_t>(s) + 1];
    if (begin == end) {
      continue;
    }
    const int64_t first_query = batch.positions[static_cast<size_t>(begin)];
    const int64_t last = use == KvUse::kBidirectional ? batch.key_length(layout.group, s) - 1
                                                      : batch.positions[static_cast<size_t>(end) - 1];
    int64_t first_visible = use == KvUse::kAppend ? first_query : 0;
    if (use == KvUse::kCausal && window > 0) {
      first_visible = std::max<int64_t>(0, first_query - window + 1);
    }
    const int64_t last_entry = last / layout.page_tokens;
    MSC_CHECK_ARGUMENT(last_entry < batch.limits.max_pages,
                       "sequence %lld: position %lld is in page-table entry %lld, the batch holds %lld entries: raise "
                       "max_pages of the batch limits",
                       static_cast<long long>(s), static_cast<long long>(last), static_cast<long long>(last_entry),
                       static_cast<long long>(batch.limits.max_pages));
    const int32_t* pages = batch.pages(layout.group, s);
    for (int64_t entry = first_visible / layout.page_tokens; entry <= last_entry; ++entry) {
      MSC_CHECK_ARGUMENT(pages[entry] >= 0 && pages[entry] < layout.num_pages,
                         "sequence %lld, page-table entry %lld (group %u): page %d, the cache has pages 0 to %lld",
                         static_cast<long long>(s), static_cast<long long>(entry), layout.group, pages[entry],
                         static_cast<long long>(layout.num_pages - 1));
    }
  }
}

void copy_pages(msc_kv_cache& cache, const int32_t* source, const int32_t* target, int64_t count) {
  const KvLayout& layout = cache.layout;
  for (int64_t i = 0; i < count; ++i) {
    for (const int32_t page : {source[i], target[i]}) {
      MSC_CHECK_ARGUMENT(page >= 0 && page < layout.num_pages, "entry %lld: page %d, the cache has pages 0 to %lld",
                         static_cast<long long>(i), page, static_cast<long long>(layout.num_pages - 1));
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    if (source[i] != target[i]) {
      std::memcpy(cache.memory.data() + layout.block_offset(target[i], 0, 0),
                  cache.memory.data() + layout.block_offset(source[i], 0, 0), layout.page_bytes);
    }
  }
}

}  // namespace msc::cpu
