#pragma once

#include <cstdint>
#include <vector>

#include "moesaic/batch.h"
#include "tests/ops/harness/session.h"

namespace optest {

/// One sequence's share of a step.
struct Sequence {
  int64_t first_position = 0;
  std::vector<int32_t> token_ids;                // one or more
  std::vector<std::vector<int32_t>> page_tables;  // by KV group; may be shorter than the longest
  std::vector<int32_t> key_lengths = {};          // by KV group; empty: up to the last position
};

/// A batch of `sequences`, destroyed with the session. Missing page-table entries are -1.
/// @param logit_rows token indices; the last token of each sequence when empty.
msc_batch* make_batch(Session& session, const std::vector<Sequence>& sequences, uint32_t num_kv_groups = 0,
                      std::vector<int32_t> logit_rows = {});

}  // namespace optest
