#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moesaic/attention.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {

struct AttentionShape {
  int64_t q_heads = 1;
  int64_t kv_heads = 1;
  int64_t k_width = 64;
  int64_t v_width = 64;
  int32_t format = MSC_FORMAT_F32;
  int64_t page_tokens = 16;
  int64_t window = 0;
  bool sinks = false;
  int64_t bias_reach = -1;  // of a relative position bias; -1: none
  bool causal = true;

  std::string name() const;
};

/// Positions [begin, end) of a sequence, run in one step.
struct Slice {
  size_t sequence;
  int64_t begin;
  int64_t end;
};

/// What the queries of a bidirectional step see.
enum class Keys {
  kOfBatch,     // up to the sequence's last position in the step
  kOfSequence,  // the whole sequence, by the batch's key lengths: attention over an encoder's keys
};

/// Sequences of random queries, keys and values and a cache whose pages are scattered and full of NaN before they are
/// used. Steps append and attend; outputs gather per sequence.
class AttentionRig {
 public:
  AttentionRig(Session& session, const AttentionShape& shape, std::vector<int64_t> lengths, double value_scale = 1.0);

  /// One step over these slices, in this order: append, then attention.
  void step(const std::vector<Slice>& slices, bool timed = false);
  /// Attention alone over what was filled.
  void attend(const std::vector<Slice>& slices, Keys keys, bool timed = false);
  /// Appends without attention.
  void fill(const std::vector<Slice>& slices);

  /// [length, q_heads * v_width] of what the steps computed.
  const std::vector<float>& outputs(size_t sequence) const { return sequences_[sequence].out; }
  /// Compares [begin, end) of a sequence with softmax in double over the keys and values as the cache's format holds them.
  void expect_reference(size_t sequence, int64_t begin, int64_t end, double limit = 1e-10) const;

 private:
  struct Tokens {
    int64_t length;
    std::vector<float> q, k, v, out;
    std::vector<int32_t> pages;
  };
  msc_batch* batch_of(const std::vector<Slice>& slices, Keys keys = Keys::kOfBatch);
  void attend(const std::vector<Slice>& slices, msc_batch* batch, Keys keys, bool timed);
  std::vector<float> rows(const std::vector<Slice>& slices, std::vector<float> Tokens::*member, int64_t width) const;
  void append(const std::vector<Slice>& slices, msc_batch* batch);
  void poison();
  std::string unique(const char* name) { return text(name, next_name_++); }

  Session& session_;
  AttentionShape shape_;
  std::vector<Tokens> sequences_;
  std::vector<float> sinks_;
  std::vector<float> bias_;  // [q_heads, 2 bias_reach + 1]
  msc_kv_cache* cache_ = nullptr;
  int64_t num_pages_ = 0;
  int next_name_ = 0;
};

}  // namespace optest
