#include "cuda/sampling/feed_kernel.h"

namespace msc::cuda {

void launch_feed(const FeedParams& params, Stream stream) {
  launch("feed_kernel", feed_kernel, Extent{static_cast<unsigned>(params.rows)}, Extent{kSampleThreads}, 0, stream, params);
}

void launch_allowed_ids(const AllowedIdsParams& params, Stream stream) {
  launch("allowed_ids_kernel", allowed_ids_kernel, Extent{static_cast<unsigned>(params.rows)}, Extent{kSampleThreads}, 0, stream,
         params);
}

}  // namespace msc::cuda
