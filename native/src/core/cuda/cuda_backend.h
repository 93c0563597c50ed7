#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/cuda/installation.h"

namespace msc::cuda {

/// Devices of the driver. Throws Error when the installation has a problem, or the driver cannot count.
int32_t device_count(const Installation& installation);

/// Throws Error (bad argument) when there is no such device.
DeviceProperties device_properties(const Installation& installation, int32_t ordinal);

/// Why no kernel of the library runs on such a device; empty when they do.
std::string device_problem(const Installation& installation, int32_t ordinal, const DeviceProperties& properties);

/// Opens device `ordinal`. Throws Error that says what is missing: driver, library, device, compute capability.
std::unique_ptr<Backend> make_cuda_backend(const Installation& installation, int32_t ordinal);

}  // namespace msc::cuda
