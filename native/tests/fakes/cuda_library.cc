// Stands in for libmoesaic_cuda.so in tests: devices of host memory whose streams do their work when they are
// synchronised, so that whoever does not wait is seen.
#include "tests/fakes/cuda_library.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "core/cuda/library_table.h"

namespace msc::cuda {

struct NativeStream {
  std::vector<std::function<void()>> work;
};
struct NativeEvent {
  bool done = false;
};

namespace {

FakeCudaControl control;

msc_status answer(ErrorText* error) {
  ++control.num_calls;
  const msc_status status = control.next_status;
  if (status != MSC_STATUS_OK) {
    std::snprintf(error->text, sizeof(error->text), "%s", control.next_text);
    control.next_status = MSC_STATUS_OK;
  }
  return status;
}

/// A function of the table whose body runs when no failure was asked for.
template <class Body>
msc_status run(ErrorText* error, Body body) {
  const msc_status status = answer(error);
  if (status == MSC_STATUS_OK) {
    body();
  }
  return status;
}

msc_status count(int32_t* result, ErrorText* error) {
  return run(error, [&] { *result = control.num_devices; });
}

msc_status properties(int32_t device, DeviceProperties* result, ErrorText* error) {
  return run(error, [&] {
    *result = {};
    std::snprintf(result->name, sizeof(result->name), "Fake %d", device);
    result->compute_major = 9 - device;
    result->num_multiprocessors = 132;
    result->memory_bytes = uint64_t{1} << 30;
  });
}

msc_status open(int32_t, ErrorText* error) { return answer(error); }
msc_status free_bytes(int32_t, uint64_t* bytes, ErrorText* error) {
  return run(error, [&] { *bytes = 4096; });
}

msc_status stream_create(int32_t, NativeStream** stream, ErrorText* error) {
  return run(error, [&] {
    *stream = new NativeStream;
    ++control.num_streams;
  });
}
msc_status stream_destroy(int32_t, NativeStream* stream, ErrorText*) {
  delete stream;
  --control.num_streams;
  return MSC_STATUS_OK;
}
msc_status stream_synchronize(int32_t, NativeStream* stream, ErrorText* error) {
  return run(error, [&] {
    for (const auto& work : stream->work) {
      work();
    }
    stream->work.clear();
  });
}
msc_status stream_wait(int32_t, NativeStream*, NativeEvent*, ErrorText* error) { return answer(error); }

msc_status event_create(int32_t, NativeEvent** event, ErrorText* error) {
  return run(error, [&] {
    *event = new NativeEvent;
    ++control.num_events;
  });
}
msc_status event_destroy(int32_t, NativeEvent* event, ErrorText*) {
  delete event;
  --control.num_events;
  return MSC_STATUS_OK;
}
msc_status event_record(int32_t, NativeEvent* event, NativeStream* stream, ErrorText* error) {
  return run(error, [&] {
    event->done = false;
    stream->work.push_back([event] { event->done = true; });
  });
}
msc_status event_query(int32_t, NativeEvent* event, int32_t* done, ErrorText* error) {
  return run(error, [&] { *done = event->done ? 1 : 0; });
}

msc_status allocate(int32_t, uint64_t bytes, void** address, ErrorText* error) {
  return run(error, [&] {
    *address = std::calloc(bytes, 1);
    ++control.num_allocations;
  });
}
msc_status release(int32_t, void* address, ErrorText*) {
  std::free(address);
  --control.num_allocations;
  return MSC_STATUS_OK;
}

/// As from pageable memory: the source is read in the call.
msc_status copy_to_device(int32_t, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                          ErrorText* error) {
  return run(error, [&] {
    const auto* begin = static_cast<const char*>(source);
    stream->work.push_back([target, staged = std::vector<char>(begin, begin + bytes)] {
      std::copy(staged.begin(), staged.end(), static_cast<char*>(target));
    });
  });
}
msc_status copy_later(int32_t, NativeStream* stream, void* target, const void* source, uint64_t bytes, ErrorText* error) {
  return run(error, [&] { stream->work.push_back([=] { std::memcpy(target, source, bytes); }); });
}
msc_status fill(int32_t, NativeStream* stream, void* target, uint8_t value, uint64_t bytes, ErrorText* error) {
  return run(error, [&] { stream->work.push_back([=] { std::memset(target, value, bytes); }); });
}

constexpr LibraryTable kTable = {
    .version = kLibraryVersion + MSC_FAKE_VERSION_STEP,
    .size_bytes = sizeof(LibraryTable) + MSC_FAKE_SIZE_STEP,
    .toolkit_version = 12040,
    .reserved = 0,
    .device_count = count,
    .device_properties = properties,
    .device_open = open,
    .device_free_bytes = free_bytes,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_synchronize = stream_synchronize,
    .stream_wait = stream_wait,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_query = event_query,
    .memory_allocate = allocate,
    .memory_free = release,
    .host_allocate = allocate,
    .host_free = release,
    .copy_to_device = copy_to_device,
    .copy_to_host = copy_later,
    .copy_within = copy_later,
    .fill = fill,
};

}  // namespace
}  // namespace msc::cuda

extern "C" {
__attribute__((visibility("default"))) const msc::cuda::LibraryTable* msc_cuda_library() { return &msc::cuda::kTable; }
__attribute__((visibility("default"))) FakeCudaControl* fake_cuda_control() { return &msc::cuda::control; }
}
