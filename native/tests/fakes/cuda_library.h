#pragma once

#include <cstdint>

#include "moesaic/base.h"

/// What a test tells the fake libmoesaic_cuda.so, and what it has counted. Obtained from its function
/// fake_cuda_control.
struct FakeCudaControl {
  int32_t num_devices = 3;    // of three: 9.0, 8.0 and 7.0
  msc_status next_status = MSC_STATUS_OK;  // of the next call; then OK again
  const char* next_text = "";
  int64_t num_allocations = 0;    // alive
  int64_t num_streams = 0;        // alive
  int64_t num_events = 0;         // alive
  int64_t num_calls = 0;
};
