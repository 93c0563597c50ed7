#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "moesaic/device.h"

namespace msc::fuzz {

/// Ends the program with a finding: libFuzzer saves the input.
[[noreturn]] inline void finding(const char* what) {
  char text[1024] = {};
  msc_last_error_copy(text, sizeof(text), nullptr);
  std::fprintf(stderr, "FINDING: %s; last error: %s\n", what, text);
  std::abort();
}

inline void require(bool condition, const char* what) {
  if (!condition) {
    finding(what);
  }
}

/// For calls that must succeed whatever the input is.
inline void require_ok(msc_status status, const char* what) { require(status == MSC_STATUS_OK, what); }

/// The only ways in which a call may refuse its arguments; a refusal always has a text.
inline bool accepted(msc_status status) {
  if (status == MSC_STATUS_OK) {
    return true;
  }
  uint64_t length = 0;
  msc_last_error_copy(nullptr, 0, &length);
  require(length != 0, "a refusal without a text");
  require(status == MSC_STATUS_BAD_ARGUMENT || status == MSC_STATUS_OUT_OF_RESOURCE || status == MSC_STATUS_REQUEST_FAILED,
          "a call lost the device or returned a status that does not exist");
  return false;
}

/// A device of one thread and its stream, made once for all inputs of a process.
class Session {
 public:
  explicit Session(int32_t isa = MSC_ISA_AUTO) {
    msc_device_options options = {};
    options.struct_size = sizeof(options);
    options.backend = MSC_BACKEND_CPU;
    options.isa = isa;
    options.num_threads = 1;
    require_ok(msc_device_create(&options, &device), "msc_device_create");
    require_ok(msc_stream_create(device, &stream), "msc_stream_create");
  }
  ~Session() {
    msc_stream_destroy(stream);
    msc_device_destroy(device);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  msc_device* device = nullptr;
  msc_stream* stream = nullptr;
};

/// A buffer for one input. Sizes are multiples of 64, so that nothing lies between its end and the red zone.
class Buffer {
 public:
  Buffer(const Session& session, uint64_t bytes) {
    require_ok(msc_buffer_create(session.device, (bytes + 63) / 64 * 64, &handle), "msc_buffer_create");
    require_ok(msc_buffer_host_pointer(handle, &host), "msc_buffer_host_pointer");
  }
  ~Buffer() { msc_buffer_destroy(handle); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// A dense view from the buffer's start.
  msc_tensor dense(int64_t rows, int64_t cols, int32_t format = MSC_FORMAT_F32) const {
    return {handle, 0, rows, cols, cols, format, 0};
  }

  msc_buffer* handle = nullptr;
  void* host = nullptr;
};

}  // namespace msc::fuzz
