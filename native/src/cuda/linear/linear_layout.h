#pragma once

#include "cuda/linear/linear.h"

namespace msc::cuda {

// What the plan and the kernels of linear products agree on.

/// K is cut into this many slices of whole steps, from K alone; each is summed from zero, then the slices are added up in
/// order. A warp of the streaming kernel owns a slice.
inline constexpr int kSlices = 4;

/// Bytes of a row of inputs in a step: 64 bfloat16, and 32 bytes so that eight rows lie in different banks.
inline constexpr int kInputRowBytes = kStepCols * 2 + 32;

inline constexpr int kTileBlockPairs = 4;   // pairs of weight tiles of a block of the tile kernel
inline constexpr int kTileBlockRows = 128;
inline constexpr int kTileStages = 4;

MSC_HOST_DEVICE constexpr int step_bytes_of(WeightCode code) {
  return code == WeightCode::kBf16 ? 2048 : code == WeightCode::kU4 || code == WeightCode::kI4 ? 512 : 1024;
}

/// Steps in flight of a streaming warp: 4 to 16 KiB.
MSC_HOST_DEVICE constexpr int stream_stages(WeightCode code) {
  return code == WeightCode::kBf16 ? 4 : code == WeightCode::kU4 || code == WeightCode::kI4 ? 6 : 5;
}

/// First step of a slice; that of slice kSlices is the end.
MSC_HOST_DEVICE constexpr int slice_begin(int slice, int steps) { return static_cast<int>(static_cast<int64_t>(steps) * slice / kSlices); }

}  // namespace msc::cuda
