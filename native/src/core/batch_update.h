#pragma once

#include "core/batch.h"

namespace msc {

/// Replaces the batch's content after checking all of it; throws Error and changes nothing when a check fails.
/// Allocates nothing.
void update_batch(msc_batch& batch, const msc_batch_desc& desc);

}  // namespace msc
