#pragma once

#include <cstdint>

#include "core/device.h"
#include "moesaic/calibrate.h"

namespace msc::calibrate {

/// See msc_calibrate_read_bandwidth.
msc_calibration read_bandwidth(msc_device& device, uint64_t buffer_bytes, double seconds);

/// See msc_calibrate_peak.
msc_calibration peak(msc_device& device, int32_t peak, double seconds);

}  // namespace msc::calibrate
