#pragma once

#include "abi/arguments.h"
#include "core/device.h"

namespace msc {

/// For entries that CPU devices alone run so far: refuses another device, before anything else is looked at. The guard
/// puts the entry's name in front.
inline void check_cpu_device(const msc_device* device) {
  check_pointer(device, "device");
  MSC_CHECK_ARGUMENT(device->backend->kind() == MSC_BACKEND_CPU,
                     "CUDA devices do not run this yet: use a device of MSC_BACKEND_CPU");
}

inline void check_cpu_stream(const msc_stream* stream) {
  check_pointer(stream, "stream");
  check_cpu_device(stream->device);
}

}  // namespace msc
