#include <cuda_runtime.h>

#include "cuda/backend/device_memory.h"
#include "cuda/backend/devices.h"
#include "cuda/backend/streams.h"

namespace msc::cuda {
namespace {

constexpr LibraryTable kTable = {
    .version = kLibraryVersion,
    .size_bytes = sizeof(LibraryTable),
    .toolkit_version = CUDART_VERSION,
    .reserved = 0,
    .device_count = count_devices,
    .device_properties = read_properties,
    .device_open = open_device,
    .device_free_bytes = read_free_bytes,
    .stream_create = create_stream,
    .stream_destroy = destroy_stream,
    .stream_synchronize = synchronize_stream,
    .stream_wait = wait_in_stream,
    .event_create = create_event,
    .event_destroy = destroy_event,
    .event_record = record_event,
    .event_query = query_event,
    .memory_allocate = allocate_memory,
    .memory_free = free_memory,
    .host_allocate = allocate_host,
    .host_free = free_host,
    .copy_to_device = copy_to_device,
    .copy_to_host = copy_to_host,
    .copy_within = copy_within,
    .fill = fill,
};

}  // namespace
}  // namespace msc::cuda

/// What libmoesaic.so asks for after loading this library; nothing else is exported.
extern "C" __attribute__((visibility("default"))) const msc::cuda::LibraryTable* msc_cuda_library() {
  return &msc::cuda::kTable;
}
