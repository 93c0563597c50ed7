#include "tests/ops/harness/batches.h"

#include <algorithm>
#include <stdexcept>

#include "tests/ops/harness/compare.h"

namespace optest {

msc_batch* make_batch(Session& session, const std::vector<Sequence>& sequences, uint32_t num_kv_groups,
                      std::vector<int32_t> logit_rows) {
  std::vector<int32_t> token_ids;
  std::vector<int32_t> positions;
  std::vector<int32_t> offsets = {0};
  std::vector<int32_t> last_rows;
  size_t stride = 1;
  for (const Sequence& sequence : sequences) {
    for (size_t i = 0; i < sequence.token_ids.size(); ++i) {
      token_ids.push_back(sequence.token_ids[i]);
      positions.push_back(static_cast<int32_t>(sequence.first_position + static_cast<int64_t>(i)));
    }
    offsets.push_back(static_cast<int32_t>(token_ids.size()));
    last_rows.push_back(offsets.back() - 1);
    for (const auto& table : sequence.page_tables) {
      stride = std::max(stride, table.size());
    }
  }
  std::vector<int32_t> key_lengths(num_kv_groups * sequences.size(), 0);
  std::vector<int32_t> tables(num_kv_groups * sequences.size() * stride, -1);
  for (size_t group = 0; group < num_kv_groups; ++group) {
    for (size_t s = 0; s < sequences.size(); ++s) {
      const auto& table = sequences[s].page_tables.at(group);
      std::copy(table.begin(), table.end(),
                tables.begin() + static_cast<std::ptrdiff_t>((group * sequences.size() + s) * stride));
      if (!sequences[s].key_lengths.empty()) {
        key_lengths[group * sequences.size() + s] = sequences[s].key_lengths.at(group);
      }
    }
  }
  if (logit_rows.empty()) {
    logit_rows = last_rows;
  }

  msc_batch_limits limits = {};
  limits.struct_size = sizeof(limits);
  limits.num_kv_groups = num_kv_groups;
  limits.max_tokens = static_cast<int64_t>(token_ids.size());
  limits.max_sequences = static_cast<int64_t>(sequences.size());
  limits.max_pages = static_cast<int64_t>(stride);
  msc_batch* batch = nullptr;
  if (msc_batch_create(session.device(), &limits, &batch) != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
  session.keep([batch] { msc_batch_destroy(batch); });

  msc_batch_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.num_tokens = limits.max_tokens;
  desc.num_sequences = limits.max_sequences;
  desc.num_logit_rows = static_cast<int64_t>(logit_rows.size());
  desc.host_token_ids = token_ids.data();
  desc.host_positions = positions.data();
  desc.host_query_offsets = offsets.data();
  desc.host_logit_rows = logit_rows.data();
  desc.host_page_tables = tables.data();
  desc.pages_stride = limits.max_pages;
  desc.host_key_lengths = key_lengths.data();
  if (msc_batch_update(batch, session.stream(), &desc) != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
  return batch;
}

}  // namespace optest
