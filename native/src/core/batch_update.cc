#include "core/batch_update.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace msc {
namespace {

long long print(int64_t value) { return static_cast<long long>(value); }

void check_counts(const msc_batch_limits& limits, const msc_batch_desc& desc) {
  MSC_CHECK_ARGUMENT(desc.num_tokens >= 1 && desc.num_tokens <= limits.max_tokens,
                     "num_tokens is %lld, expected 1 to max_tokens (%lld)", print(desc.num_tokens),
                     print(limits.max_tokens));
  MSC_CHECK_ARGUMENT(
      desc.num_sequences >= 1 && desc.num_sequences <= limits.max_sequences && desc.num_sequences <= desc.num_tokens,
      "num_sequences is %lld, expected 1 to max_sequences (%lld) and to num_tokens (%lld)", print(desc.num_sequences),
      print(limits.max_sequences), print(desc.num_tokens));
  MSC_CHECK_ARGUMENT(desc.num_logit_rows >= 0 && desc.num_logit_rows <= desc.num_tokens,
                     "num_logit_rows is %lld, expected 0 to num_tokens (%lld)", print(desc.num_logit_rows),
                     print(desc.num_tokens));
  MSC_CHECK_ARGUMENT(desc.host_token_ids != nullptr, "host_token_ids is NULL");
  MSC_CHECK_ARGUMENT(desc.host_positions != nullptr, "host_positions is NULL");
  MSC_CHECK_ARGUMENT(desc.host_query_offsets != nullptr, "host_query_offsets is NULL");
  MSC_CHECK_ARGUMENT(desc.host_logit_rows != nullptr || desc.num_logit_rows == 0, "host_logit_rows is NULL");
  if (limits.num_kv_groups > 0) {
    MSC_CHECK_ARGUMENT(desc.host_page_tables != nullptr, "host_page_tables is NULL");
    MSC_CHECK_ARGUMENT(desc.pages_stride >= 1 && desc.pages_stride <= limits.max_pages,
                       "pages_stride is %lld, expected 1 to max_pages (%lld)", print(desc.pages_stride),
                       print(limits.max_pages));
  }
}

/// Offsets start at 0, rise, and end at num_tokens; so every later index into the token arrays is in range.
void check_offsets(const msc_batch_desc& desc) {
  const int32_t* offsets = desc.host_query_offsets;
  MSC_CHECK_ARGUMENT(offsets[0] == 0, "query_offsets[0] is %d, must be 0", offsets[0]);
  for (int64_t s = 0; s < desc.num_sequences; ++s) {
    MSC_CHECK_ARGUMENT(offsets[s + 1] > offsets[s],
                       "query_offsets[%lld] is %d, not above its predecessor %d: every sequence has at least one token",
                       print(s + 1), offsets[s + 1], offsets[s]);
  }
  MSC_CHECK_ARGUMENT(offsets[desc.num_sequences] == desc.num_tokens,
                     "query_offsets[%lld] is %d, must be num_tokens (%lld)", print(desc.num_sequences),
                     offsets[desc.num_sequences], print(desc.num_tokens));
}

void check_tokens(const msc_batch_desc& desc) {
  for (int64_t s = 0; s < desc.num_sequences; ++s) {
    const int64_t begin = desc.host_query_offsets[s];
    const int64_t end = desc.host_query_offsets[s + 1];
    const int64_t first = desc.host_positions[begin];
    MSC_CHECK_ARGUMENT(first >= 0, "positions[%lld] is %lld, must not be negative", print(begin), print(first));
    for (int64_t t = begin; t < end; ++t) {
      MSC_CHECK_ARGUMENT(desc.host_positions[t] == first + (t - begin),
                         "positions[%lld] is %d, expected %lld: positions of a sequence (here %lld) are consecutive",
                         print(t), desc.host_positions[t], print(first + (t - begin)), print(s));
      MSC_CHECK_ARGUMENT(desc.host_token_ids[t] >= 0, "token_ids[%lld] is %d, must not be negative", print(t),
                         desc.host_token_ids[t]);
    }
  }
}

void check_key_lengths(const msc_batch_limits& limits, const msc_batch_desc& desc) {
  if (desc.host_key_lengths == nullptr) {
    return;
  }
  for (int64_t i = 0; i < static_cast<int64_t>(limits.num_kv_groups) * desc.num_sequences; ++i) {
    MSC_CHECK_ARGUMENT(desc.host_key_lengths[i] >= 0,
                       "key_lengths[%lld] is %d (group %lld, sequence %lld), must not be negative", print(i),
                       desc.host_key_lengths[i], print(i / desc.num_sequences), print(i % desc.num_sequences));
  }
}

void check_logit_rows(const msc_batch_desc& desc) {
  int64_t previous = -1;
  for (int64_t i = 0; i < desc.num_logit_rows; ++i) {
    const int64_t row = desc.host_logit_rows[i];
    MSC_CHECK_ARGUMENT(row > previous && row < desc.num_tokens,
                       "logit_rows[%lld] is %lld: rows ascend without repetition and lie below num_tokens (%lld)",
                       print(i), print(row), print(desc.num_tokens));
    previous = row;
  }
}

}  // namespace

void update_batch(msc_batch& batch, const msc_batch_desc& desc) {
  check_counts(batch.limits, desc);
  check_offsets(desc);
  check_tokens(desc);
  check_key_lengths(batch.limits, desc);
  check_logit_rows(desc);

  // Nothing below can fail: capacity for the limits was taken at creation.
  batch.num_tokens = desc.num_tokens;
  batch.num_sequences = desc.num_sequences;
  batch.num_logit_rows = desc.num_logit_rows;
  batch.token_ids.assign(desc.host_token_ids, desc.host_token_ids + desc.num_tokens);
  batch.positions.assign(desc.host_positions, desc.host_positions + desc.num_tokens);
  batch.query_offsets.assign(desc.host_query_offsets, desc.host_query_offsets + desc.num_sequences + 1);
  batch.logit_rows.assign(desc.host_logit_rows, desc.host_logit_rows + desc.num_logit_rows);
  const int64_t num_tables = static_cast<int64_t>(batch.limits.num_kv_groups) * desc.num_sequences;
  batch.page_tables.resize(static_cast<size_t>(num_tables * batch.limits.max_pages));
  batch.key_lengths.resize(static_cast<size_t>(num_tables));
  for (int64_t table = 0; table < num_tables; ++table) {
    const int32_t length = desc.host_key_lengths == nullptr ? 0 : desc.host_key_lengths[table];
    const int32_t last_token = desc.host_query_offsets[table % desc.num_sequences + 1] - 1;
    // The largest position has no successor; no table has pages for it, so the ops refuse it either way.
    const int32_t last_position = std::min(desc.host_positions[last_token], std::numeric_limits<int32_t>::max() - 1);
    batch.key_lengths[static_cast<size_t>(table)] = length > 0 ? length : last_position + 1;

    const int32_t* source = desc.host_page_tables + table * desc.pages_stride;
    int32_t* target = batch.page_tables.data() + table * batch.limits.max_pages;
    int32_t* end = std::copy(source, source + desc.pages_stride, target);
    // No page: an op that reads past the caller's table finds a number that it refuses.
    std::fill(end, target + batch.limits.max_pages, -1);
  }
}

}  // namespace msc
