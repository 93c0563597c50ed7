#include "cuda/backend/devices.h"

#include "cuda/backend/table_call.h"

namespace msc::cuda {

msc_status count_devices(int32_t* count, ErrorText* error) {
  return table_call(error, [&] {
    const cudaError_t result = cudaGetDeviceCount(count);
    if (result == cudaErrorNoDevice) {
      (void)cudaGetLastError();
      *count = 0;
      return;
    }
    check(result);
  });
}

msc_status read_properties(int32_t device, DeviceProperties* properties, ErrorText* error) {
  return table_call(error, [&] {
    cudaDeviceProp found = {};
    check(cudaGetDeviceProperties(&found, device));
    *properties = {};
    std::snprintf(properties->name, sizeof(properties->name), "%s", found.name);
    properties->compute_major = found.major;
    properties->compute_minor = found.minor;
    properties->num_multiprocessors = found.multiProcessorCount;
    properties->memory_bytes = found.totalGlobalMem;
  });
}

msc_status open_device(int32_t device, ErrorText* error) {
  // Since CUDA 12 cudaSetDevice makes the context; freeing nothing does so everywhere.
  return on_device(device, error, [] { check(cudaFree(nullptr)); });
}

msc_status read_free_bytes(int32_t device, uint64_t* bytes, ErrorText* error) {
  return on_device(device, error, [&] {
    size_t free = 0;
    size_t total = 0;
    check(cudaMemGetInfo(&free, &total));
    *bytes = free;
  });
}

}  // namespace msc::cuda
