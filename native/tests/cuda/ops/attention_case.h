#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cuda/attention/schedule.h"
#include "tests/cuda/ops/tensor.h"

namespace cuda_ops {

using msc::cuda::KvPages;
using msc::cuda::KvType;

/// Query tokens of one sequence; their keys and values, and all before them, are in the cache.
struct AttentionTokens {
  int32_t position;  // of the first
  int32_t count;
  int32_t key_length = 0;  // bidirectional: positions seen, 0: all so far
};

struct AttentionCase {
  const char* name;
  ElementType type;
  KvType cache;
  int64_t q_heads;
  int64_t kv_heads;
  int64_t k_width;
  int64_t v_width;
  std::vector<AttentionTokens> sequences;
  int64_t window = 0;
  bool causal = true;
  bool sinks = false;
  int64_t bias_reach = -1;  // none
  float softcap = 0.0f;
  bool tree = false;
  int64_t page_tokens = 16;
  unsigned processors = 3;
};

/// Queries by (sequence, position), keys and values by position, the same whatever part of them a run asks for.
class AttentionData {
 public:
  explicit AttentionData(const AttentionCase& c);

  /// Some of a sequence's tokens.
  struct Tokens {
    size_t sequence;
    int32_t position;
    int32_t count;
  };
  /// Runs the kernels; what the rows do not see is not in the cache. @return [tokens, q_heads * v_width]
  std::vector<float> run(std::span<const Tokens> tokens, unsigned processors) const;
  std::vector<float> run_all() const;
  /// Of one token, in double.
  std::vector<float> reference(size_t sequence, int32_t position) const;
  /// Which tokens of its tree a token sees.
  static uint64_t tree_of(int32_t token);

  const AttentionCase& c;

 private:
  struct Stored {
    std::vector<uint8_t> bytes;  // of a head's key or value in the cache
    float scale = 1.0f;
    std::vector<double> values;  // what they mean
  };
  Stored store(std::vector<float> x) const;
  int64_t num_positions(size_t sequence) const;

  std::vector<std::vector<float>> q_;                     // [sequence][token of the case * width]
  std::vector<std::vector<Stored>> keys_, values_;        // [sequence][position * kv_heads + head]
  std::vector<float> sinks_, bias_;
};

}  // namespace cuda_ops
