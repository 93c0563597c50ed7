#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

#include "core/cuda/library_table.h"
#include "core/error.h"
#include "cuda/device/error_class.h"

namespace msc::cuda {

/// Throws Error for what a function of the runtime returned. The runtime keeps an error of its own per thread, which the
/// next launch would report; it is cleared.
inline void check(cudaError_t result) {
  if (result != cudaSuccess) {
    (void)cudaGetLastError();
    throw_error(status_of_cuda_error(result), "%s (%s)", cudaGetErrorString(result), cudaGetErrorName(result));
  }
}

/// The only way out of a function of the table: nothing thrown by `body` crosses it. Like the ABI's guard, with the text
/// in the caller's buffer.
template <class Body>
msc_status table_call(ErrorText* error, Body&& body) noexcept {
  try {
    body();
    return MSC_STATUS_OK;
  } catch (const Error& thrown) {
    std::snprintf(error->text, sizeof(error->text), "%s", thrown.what());
    return thrown.status();
  } catch (const std::exception& thrown) {
    std::snprintf(error->text, sizeof(error->text), "%s", thrown.what());
    return MSC_STATUS_REQUEST_FAILED;
  } catch (...) {
    std::snprintf(error->text, sizeof(error->text), "an exception of unknown type was thrown inside libmoesaic_cuda");
    return MSC_STATUS_REQUEST_FAILED;
  }
}

/// The same with `device` as the thread's current one.
template <class Body>
msc_status on_device(int32_t device, ErrorText* error, Body&& body) noexcept {
  return table_call(error, [&] {
    check(cudaSetDevice(device));
    body();
  });
}

inline cudaStream_t as_cuda(NativeStream* stream) { return reinterpret_cast<cudaStream_t>(stream); }
inline cudaEvent_t as_cuda(NativeEvent* event) { return reinterpret_cast<cudaEvent_t>(event); }

}  // namespace msc::cuda
