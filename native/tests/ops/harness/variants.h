#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "moesaic/device.h"

namespace optest {

/// A way to run ops that some machine has: an instruction-set level and the optional features in use within it.
struct Variant {
  const char* name;
  int32_t isa;
  uint32_t required_features;
  uint32_t disabled_features;
};

/// Every variant that kernels are written for, whether this machine has it or not.
std::span<const Variant> all_variants();

/// False where this machine (or the emulation) lacks a required feature.
bool is_available(const Variant& variant);

/// The device for a variant; made once and kept until destroy_devices.
msc_device* device_of(const Variant& variant, uint32_t num_threads);

/// Destroys all devices; a text that names those that something still refers to, empty when all is well.
std::string destroy_devices();

}  // namespace optest
