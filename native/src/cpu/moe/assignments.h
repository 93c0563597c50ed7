#pragma once

#include <cstdint>

namespace msc::cpu {

/// The id of a choice that capacity-limited routing dropped.
inline constexpr int32_t kNoExpert = -1;

/// One token at one expert.
struct Assignment {
  int32_t token;
  float weight;
};

/// The touched experts of a batch and their tokens: the task list of a mixture-of-experts layer.
/// Experts ascend; within one, tokens ascend.
struct Assignments {
  const int32_t* experts;  // [num_experts] touched ones
  const int32_t* offsets;  // [num_experts + 1]: expert i owns [offsets[i], offsets[i + 1])
  const Assignment* items; // [num_tokens * top_k]
  int32_t num_experts;
  int32_t num_items;
};

/// Bytes that group_by_expert needs.
int64_t assignments_bytes(int64_t num_tokens, int64_t top_k, int64_t num_experts);

/// Counting sort of the router's choices, those without an expert left out. Throws Error (bad argument) for an expert out of range or chosen twice by a
/// token. @param ids [num_tokens, top_k] with the given row stride. @param memory assignments_bytes(...), 8-byte aligned.
Assignments group_by_expert(const int32_t* ids, int64_t ids_stride, const float* weights, int64_t weights_stride,
                            int64_t num_tokens, int64_t top_k, int64_t num_experts, void* memory);

}  // namespace msc::cpu
