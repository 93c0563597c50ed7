#include "cuda/device/plan.h"
#include "cuda/sampling/feed.h"

namespace msc::cuda {

void check_feed(const FeedParams& params) {
  check_range(params.rows, 1, kMaxGrid, "feed: rows");
  check_range(params.num_slots, 0, kMaxGrid, "feed: num_slots");
  MSC_CHECK_ARGUMENT(params.ids != nullptr && params.feeds != nullptr && params.sample_rows != nullptr &&
                         params.overflows != nullptr && (params.num_slots == 0 || params.next_ids != nullptr),
                     "feed: ids, feeds, sample_rows, next_ids or overflows is NULL");
}

void check_allowed_ids(const AllowedIdsParams& params) {
  check_range(params.rows, 1, kMaxGrid, "allowed_ids: rows");
  check_range(params.vocab_size, 1, kMaxSampledVocab, "allowed_ids: vocab_size");
  check_range(params.capacity, 1, kMaxSampledVocab, "allowed_ids: capacity");
  MSC_CHECK_ARGUMENT(params.sample_rows != nullptr && params.ids != nullptr && params.counts != nullptr,
                     "allowed_ids: sample_rows, ids or counts is NULL");
}

}  // namespace msc::cuda
