#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/kv/kv_cache.h"

namespace msc::cpu {

/// The id of a dropped choice.
inline constexpr int32_t kNoChoice = -1;

/// How many choices each expert of a layer took of a sequence, as its pages hold it (see KvLayout): counts as of the
/// page's begin and the choices of its positions, so that a position may be written again, as after a rejected draft.
class RoutingState {
 public:
  RoutingState(msc_kv_cache& cache, const int32_t* pages, int64_t layer, int64_t num_experts)
      : cache_(cache), pages_(pages), layer_(layer), num_experts_(num_experts) {}

  /// counts [num_experts] of the positions before `position`.
  void load(int64_t position, int32_t* counts) const {
    std::fill(counts, counts + num_experts_, 0);
    if (position == 0) {
      return;
    }
    const KvLayout& layout = cache_.layout;
    const int64_t last = position - 1;
    const int32_t* page = page_of(last);
    std::copy(page, page + num_experts_, counts);
    const int32_t* choices = page + layout.routed_experts;
    const int32_t* end = choices + (last % layout.page_tokens + 1) * layout.routed_choices;
    for (; choices < end; ++choices) {
      if (*choices >= 0 && *choices < num_experts_) {
        ++counts[*choices];
      }
    }
  }

  /// Writes a position's choices; positions ascend. `counts` are those before it, and after it when this returns.
  void store(int64_t position, const int32_t* ids, int64_t top_k, int32_t* counts) const {
    const KvLayout& layout = cache_.layout;
    const int64_t slot = position % layout.page_tokens;
    int32_t* page = page_of(position);
    if (slot == 0) {
      std::copy(counts, counts + num_experts_, page);
    }
    int32_t* choices = page + layout.routed_experts + slot * layout.routed_choices;
    std::fill(std::copy(ids, ids + top_k, choices), choices + layout.routed_choices, kNoChoice);
    for (int64_t k = 0; k < top_k; ++k) {
      if (ids[k] >= 0) {
        ++counts[ids[k]];
      }
    }
  }

 private:
  int32_t* page_of(int64_t position) const {
    const KvLayout& layout = cache_.layout;
    std::byte* page = cache_.memory.data() + layout.block_offset(pages_[position / layout.page_tokens], 0, 0);
    return reinterpret_cast<int32_t*>(page + layout.routing_offset + static_cast<uint64_t>(layer_) * layout.routing_bytes);
  }

  msc_kv_cache& cache_;
  const int32_t* pages_;
  const int64_t layer_;
  const int64_t num_experts_;
};

}  // namespace msc::cpu
