#include "core/batch.h"

#include "core/error.h"

namespace {

constexpr int64_t kMaxPageTableEntries = int64_t{1} << 31;

int64_t page_table_entries(const msc_batch_limits& limits) {
  return static_cast<int64_t>(limits.num_kv_groups) * limits.max_sequences * limits.max_pages;
}

void check_limits(const msc_batch_limits& limits) {
  constexpr int64_t kMaxIndex = INT32_MAX - 1;
  MSC_CHECK_ARGUMENT(limits.max_tokens >= 1 && limits.max_tokens <= kMaxIndex,
                     "limits->max_tokens is %lld, expected 1 to %lld", static_cast<long long>(limits.max_tokens),
                     static_cast<long long>(kMaxIndex));
  MSC_CHECK_ARGUMENT(limits.max_sequences >= 1 && limits.max_sequences <= limits.max_tokens,
                     "limits->max_sequences is %lld, expected 1 to max_tokens (%lld)",
                     static_cast<long long>(limits.max_sequences), static_cast<long long>(limits.max_tokens));
  MSC_CHECK_ARGUMENT(limits.num_kv_groups <= 64, "limits->num_kv_groups is %u, at most 64 are supported",
                     limits.num_kv_groups);
  const int64_t least_pages = limits.num_kv_groups > 0 ? 1 : 0;
  MSC_CHECK_ARGUMENT(limits.max_pages >= least_pages && limits.max_pages <= kMaxIndex,
                     "limits->max_pages is %lld, expected %lld to %lld", static_cast<long long>(limits.max_pages),
                     static_cast<long long>(least_pages), static_cast<long long>(kMaxIndex));
  // 64 * 2^31 * 2^31 overflows; the second test is safe once max_sequences * max_pages passed the first.
  MSC_CHECK_ARGUMENT(limits.max_sequences * limits.max_pages <= kMaxPageTableEntries &&
                         page_table_entries(limits) <= kMaxPageTableEntries,
                     "limits ask for page tables of %u x %lld x %lld entries, at most %lld are supported: lower "
                     "max_sequences or max_pages",
                     limits.num_kv_groups, static_cast<long long>(limits.max_sequences),
                     static_cast<long long>(limits.max_pages), static_cast<long long>(kMaxPageTableEntries));
}

}  // namespace

msc_batch::msc_batch(msc_device* owner, const msc_batch_limits& wanted) : device(owner), limits(wanted) {
  check_limits(limits);
  token_ids.reserve(static_cast<size_t>(limits.max_tokens));
  positions.reserve(static_cast<size_t>(limits.max_tokens));
  query_offsets.reserve(static_cast<size_t>(limits.max_sequences) + 1);
  logit_rows.reserve(static_cast<size_t>(limits.max_tokens));
  page_tables.reserve(static_cast<size_t>(page_table_entries(limits)));
  key_lengths.reserve(static_cast<size_t>(limits.num_kv_groups * limits.max_sequences));
  ++device->live_objects;
}

msc_batch::~msc_batch() { --device->live_objects; }
