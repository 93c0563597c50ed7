#include "cpu/moe/assignments.h"

#include <algorithm>
#include <cstddef>

#include "core/error.h"

namespace msc::cpu {
namespace {

void check_row(const int32_t* ids, int64_t token, int64_t top_k, int64_t num_experts) {
  for (int64_t k = 0; k < top_k; ++k) {
    if (ids[k] == kNoExpert) {
      continue;
    }
    MSC_CHECK_ARGUMENT(ids[k] >= 0 && ids[k] < num_experts,
                       "ids[%lld, %lld] is %d: not one of the layer's %lld experts, nor -1 for none", static_cast<long long>(token),
                       static_cast<long long>(k), ids[k], static_cast<long long>(num_experts));
    for (int64_t earlier = 0; earlier < k; ++earlier) {
      MSC_CHECK_ARGUMENT(ids[earlier] != ids[k], "token %lld chooses expert %d twice", static_cast<long long>(token),
                         ids[k]);
    }
  }
}

}  // namespace

int64_t assignments_bytes(int64_t num_tokens, int64_t top_k, int64_t num_experts) {
  return num_tokens * top_k * static_cast<int64_t>(sizeof(Assignment)) +
         (2 * num_experts + 1) * static_cast<int64_t>(sizeof(int32_t));
}

Assignments group_by_expert(const int32_t* ids, int64_t ids_stride, const float* weights, int64_t weights_stride,
                            int64_t num_tokens, int64_t top_k, int64_t num_experts, void* memory) {
  auto* items = static_cast<Assignment*>(memory);
  auto* experts = reinterpret_cast<int32_t*>(items + num_tokens * top_k);
  auto* offsets = experts + num_experts;  // first as counts of all experts, then as offsets of the touched ones
  std::fill_n(offsets, num_experts + 1, 0);
  for (int64_t token = 0; token < num_tokens; ++token) {
    const int32_t* row = ids + token * ids_stride;
    check_row(row, token, top_k, num_experts);
    for (int64_t k = 0; k < top_k; ++k) {
      if (row[k] != kNoExpert) {
        ++offsets[row[k] + 1];
      }
    }
  }
  for (int64_t e = 0; e < num_experts; ++e) {
    offsets[e + 1] += offsets[e];
  }
  // Filling advances each expert's offset to its end, which is the next one's begin.
  for (int64_t token = 0; token < num_tokens; ++token) {
    const int32_t* row = ids + token * ids_stride;
    for (int64_t k = 0; k < top_k; ++k) {
      if (row[k] != kNoExpert) {
        items[offsets[row[k]]++] = {static_cast<int32_t>(token), weights[token * weights_stride + k]};
      }
    }
  }
  // offsets[e] is now the end of expert e; keep the touched ones, packed to the front.
  int32_t touched = 0;
  int32_t begin = 0;
  for (int64_t e = 0; e < num_experts; ++e) {
    const int32_t end = offsets[e];
    if (end > begin) {
      experts[touched] = static_cast<int32_t>(e);
      offsets[touched] = begin;
      ++touched;
    }
    begin = end;
  }
  offsets[touched] = begin;
  return {experts, offsets, items, touched, begin};
}

}  // namespace msc::cpu
