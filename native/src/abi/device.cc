#include "moesaic/device.h"

#include "core/device.h"

#include <cstring>

#include "abi/arguments.h"
#include "core/cpu_features.h"
#include "core/guard.h"

/// CPU ops are done when their call returns, so a recorded event is a completed one.
struct msc_event {
  explicit msc_event(msc_device* owner) : device(owner) { ++device->live_objects; }
  ~msc_event() { --device->live_objects; }
  msc_event(const msc_event&) = delete;
  msc_event& operator=(const msc_event&) = delete;

  msc_device* device;
  bool recorded = false;
};

namespace {

void check_options(const msc_device_options& options) {
  MSC_CHECK_ARGUMENT(options.backend == MSC_BACKEND_CPU || options.backend == MSC_BACKEND_CUDA,
                     "options->backend is %d, expected a value of msc_backend", options.backend);
  MSC_CHECK_ARGUMENT(options.backend == MSC_BACKEND_CPU,
                     "this build has no CUDA backend: use MSC_BACKEND_CPU");
  MSC_CHECK_ARGUMENT(options.ordinal == 0, "options->ordinal is %d, the CPU backend has device 0 alone",
                     options.ordinal);
  MSC_CHECK_ARGUMENT(options.isa >= MSC_ISA_AUTO && options.isa <= MSC_ISA_AVX512,
                     "options->isa is %d, expected a value of msc_isa", options.isa);
  const int32_t best = msc::cpu_info().best_isa;
  MSC_CHECK_ARGUMENT(options.isa <= best,
                     "options->isa is %d, but this machine has instruction sets up to %d only: use that or "
                     "MSC_ISA_AUTO",
                     options.isa, best);
  constexpr uint32_t kOptional =
      MSC_CPU_FEATURE_AVX_VNNI | MSC_CPU_FEATURE_AVX512_VNNI | MSC_CPU_FEATURE_AVX512_BF16;
  MSC_CHECK_ARGUMENT((options.disabled_features & ~kOptional) == 0,
                     "options->disabled_features is 0x%x, only VNNI and BF16 (0x%x) can be left out: force a lower "
                     "isa for the others",
                     options.disabled_features, kOptional);
  MSC_CHECK_ARGUMENT(options.pin_threads <= 1, "options->pin_threads is %u, expected 0 or 1", options.pin_threads);
}

void check_copy(const msc_stream* stream, const msc_buffer* buffer, uint64_t offset, const void* host, uint64_t size) {
  msc::check_pointer(stream, "stream");
  msc::check_pointer(buffer, "buffer");
  MSC_CHECK_ARGUMENT(stream->device == buffer->device, "stream and buffer belong to different devices");
  MSC_CHECK_ARGUMENT(host != nullptr || size == 0, "host is NULL");
  MSC_CHECK_ARGUMENT(offset <= buffer->size_bytes && size <= buffer->size_bytes - offset,
                     "%llu bytes at offset %llu reach beyond the buffer's %llu bytes",
                     static_cast<unsigned long long>(size), static_cast<unsigned long long>(offset),
                     static_cast<unsigned long long>(buffer->size_bytes));
}

}  // namespace

msc_status msc_cpu_query(msc_cpu_info* info) {
  return msc::guard(__func__, [&] {
    msc::check_struct(info, "info");
    *info = msc::cpu_info();
  });
}

msc_status msc_device_create(const msc_device_options* options, msc_device** device) {
  return msc::guard(__func__, [&] {
    msc::check_struct(options, "options");
    msc::check_pointer(device, "device");
    check_options(*options);
    *device = new msc_device(*options);
  });
}

msc_status msc_device_destroy(msc_device* device) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(device, "device");
    const int64_t live = device->live_objects.load();
    MSC_CHECK_ARGUMENT(live == 0, "%lld streams, buffers or other objects of this device still exist: destroy them first",
                       static_cast<long long>(live));
    delete device;
  });
}

msc_status msc_device_query(const msc_device* device, msc_device_info* info) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(device, "device");
    msc::check_struct(info, "info");
    msc_device_info result = {};
    result.struct_size = sizeof(result);
    result.backend = MSC_BACKEND_CPU;
    result.isa = device->isa;
    result.features = device->features;
    result.num_threads = device->pool.num_threads();
    result.num_pinned_threads = device->pool.num_pinned_threads();
    result.row_group = device->row_group;
    *info = result;
  });
}

msc_status msc_stream_create(msc_device* device, msc_stream** stream) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(device, "device");
    msc::check_pointer(stream, "stream");
    *stream = new msc_stream(device);
  });
}

msc_status msc_stream_destroy(msc_stream* stream) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(stream, "stream");
    delete stream;
  });
}

msc_status msc_stream_synchronize(msc_stream* stream) {
  return msc::guard(__func__, [&] { msc::check_pointer(stream, "stream"); });
}

msc_status msc_event_create(msc_device* device, msc_event** event) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(device, "device");
    msc::check_pointer(event, "event");
    *event = new msc_event(device);
  });
}

msc_status msc_event_destroy(msc_event* event) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(event, "event");
    delete event;
  });
}

msc_status msc_event_record(msc_event* event, msc_stream* stream) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(event, "event");
    msc::check_pointer(stream, "stream");
    MSC_CHECK_ARGUMENT(event->device == stream->device, "event and stream belong to different devices");
    event->recorded = true;
  });
}

msc_status msc_event_query(msc_event* event, int32_t* done) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(event, "event");
    msc::check_pointer(done, "done");
    MSC_CHECK_ARGUMENT(event->recorded, "the event was never recorded: call msc_event_record first");
    *done = 1;
  });
}

msc_status msc_buffer_create(msc_device* device, uint64_t size_bytes, msc_buffer** buffer) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(device, "device");
    msc::check_pointer(buffer, "buffer");
    MSC_CHECK_ARGUMENT(size_bytes > 0, "size_bytes is 0");
    *buffer = new msc_buffer(device, size_bytes);
  });
}

msc_status msc_buffer_destroy(msc_buffer* buffer) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(buffer, "buffer");
    delete buffer;
  });
}

msc_status msc_buffer_host_pointer(msc_buffer* buffer, void** host_pointer) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(buffer, "buffer");
    msc::check_pointer(host_pointer, "host_pointer");
    *host_pointer = buffer->data;
  });
}

msc_status msc_buffer_upload(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, const void* host,
                             uint64_t size_bytes) {
  return msc::guard(__func__, [&] {
    check_copy(stream, buffer, offset_bytes, host, size_bytes);
    if (size_bytes != 0) {
      std::memcpy(buffer->data + offset_bytes, host, size_bytes);
    }
  });
}

msc_status msc_buffer_download(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, void* host,
                               uint64_t size_bytes) {
  return msc::guard(__func__, [&] {
    check_copy(stream, buffer, offset_bytes, host, size_bytes);
    if (size_bytes != 0) {
      std::memcpy(host, buffer->data + offset_bytes, size_bytes);
    }
  });
}
