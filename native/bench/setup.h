#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "moesaic/batch.h"

// What the benchmarks share.
namespace bench {

/// Throws what the library says went wrong.
inline void check(msc_status status) {
  if (status != MSC_STATUS_OK) {
    char text[512] = {};
    msc_last_error_copy(text, sizeof text, nullptr);
    throw std::runtime_error(text);
  }
}

/// Fills a batch with the positions [begin, end) of a single sequence in these pages.
inline void set_positions(msc_batch* batch, msc_stream* stream, const std::vector<int32_t>& pages, int64_t begin,
                          int64_t end) {
  std::vector<int32_t> ids, positions;
  for (int64_t p = begin; p < end; ++p) {
    ids.push_back(0);
    positions.push_back(static_cast<int32_t>(p));
  }
  const int32_t offsets[] = {0, static_cast<int32_t>(end - begin)};
  msc_batch_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.num_tokens = end - begin;
  desc.num_sequences = 1;
  desc.host_token_ids = ids.data();
  desc.host_positions = positions.data();
  desc.host_query_offsets = offsets;
  desc.host_page_tables = pages.data();
  desc.pages_stride = static_cast<int64_t>(pages.size());
  check(msc_batch_update(batch, stream, &desc));
}

}  // namespace bench
