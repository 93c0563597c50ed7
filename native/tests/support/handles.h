#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "moesaic/device.h"

namespace msc::test {

inline std::string last_error() {
  char text[1024] = {};
  msc_last_error_copy(text, sizeof(text), nullptr);
  return text;
}

inline void check(msc_status status) {
  if (status != MSC_STATUS_OK) {
    throw std::runtime_error(last_error());
  }
}

inline msc_cpu_info cpu() {
  msc_cpu_info info = {};
  info.struct_size = sizeof(info);
  check(msc_cpu_query(&info));
  return info;
}

struct DeviceOptions {
  int32_t isa = MSC_ISA_AUTO;
  uint32_t num_threads = 0;
  uint32_t spin_microseconds = UINT32_MAX;
  bool pin_threads = false;
  uint32_t disabled_features = 0;
};

inline msc_device_options to_c(const DeviceOptions& options) {
  msc_device_options result = {};
  result.struct_size = sizeof(result);
  result.backend = MSC_BACKEND_CPU;
  result.isa = options.isa;
  result.disabled_features = options.disabled_features;
  result.num_threads = options.num_threads;
  result.spin_microseconds = options.spin_microseconds;
  result.pin_threads = options.pin_threads ? 1 : 0;
  return result;
}

/// A device and a stream of it, destroyed together.
class Device {
 public:
  explicit Device(const DeviceOptions& options = {}) {
    const msc_device_options c = to_c(options);
    check(msc_device_create(&c, &device_));
    check(msc_stream_create(device_, &stream_));
  }
  ~Device() {
    EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream_));
    EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device_)) << last_error();
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  msc_device* get() const { return device_; }
  msc_stream* stream() const { return stream_; }

 private:
  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
};

}  // namespace msc::test
