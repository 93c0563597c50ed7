#pragma once

#include <cstdint>
#include <vector>

#include "core/device.h"
#include "moesaic/batch.h"

/// Host copy of one step's ragged batch; capacity is taken at creation.
struct msc_batch {
  msc_batch(msc_device* owner, const msc_batch_limits& limits);
  ~msc_batch();
  msc_batch(const msc_batch&) = delete;
  msc_batch& operator=(const msc_batch&) = delete;

  /// First page-table entry of a sequence in a group.
  const int32_t* pages(uint32_t group, int64_t sequence) const {
    return page_tables.data() + (static_cast<int64_t>(group) * num_sequences + sequence) * limits.max_pages;
  }

  /// Positions that bidirectional attention of a sequence sees in a group's cache.
  int64_t key_length(uint32_t group, int64_t sequence) const {
    return key_lengths[static_cast<size_t>(static_cast<int64_t>(group) * num_sequences + sequence)];
  }

  msc_device* device;
  msc_batch_limits limits;
  int64_t num_tokens = 0;
  int64_t num_sequences = 0;
  int64_t num_logit_rows = 0;
  std::vector<int32_t> token_ids;      // [num_tokens]
  std::vector<int32_t> positions;      // [num_tokens]
  std::vector<int32_t> query_offsets;  // [num_sequences + 1]
  std::vector<int32_t> logit_rows;     // [num_logit_rows]
  std::vector<int32_t> page_tables;    // [num_kv_groups, num_sequences, limits.max_pages]
  std::vector<int32_t> key_lengths;    // [num_kv_groups, num_sequences], at least 1
};
