#pragma once

#include "moesaic/device.h"

namespace msc {

/// The processor as this process may use it; detected once.
const msc_cpu_info& cpu_info();

/// The part of `features` that instruction-set level `isa` may use (VNNI and BF16 belong to AVX2 or AVX512).
uint32_t features_of_isa(uint32_t features, int32_t isa);

}  // namespace msc
