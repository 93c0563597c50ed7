#include "moesaic/device.h"

#include "core/device.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "abi/arguments.h"
#include "core/cpu_features.h"
#include "core/cuda/cuda_backend.h"
#include "core/graph.h"
#include "core/guard.h"

namespace {

void check_cpu_options(const msc_device_options& options) {
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

/// What says something about processors must be left at its default.
void check_cuda_options(const msc_device_options& options) {
  MSC_CHECK_ARGUMENT(options.isa == MSC_ISA_AUTO && options.disabled_features == 0,
                     "options->isa and disabled_features are %d and 0x%x: a CUDA device has none, leave them 0",
                     options.isa, options.disabled_features);
  MSC_CHECK_ARGUMENT(options.num_threads <= 1 && options.pin_threads == 0,
                     "options->num_threads and pin_threads are %u and %u: a CUDA device has no worker threads, leave them 0",
                     options.num_threads, options.pin_threads);
}

std::unique_ptr<msc_device> create(const msc_device_options& options) {
  MSC_CHECK_ARGUMENT(options.backend == MSC_BACKEND_CPU || options.backend == MSC_BACKEND_CUDA,
                     "options->backend is %d, expected a value of msc_backend", options.backend);
  if (options.backend == MSC_BACKEND_CPU) {
    check_cpu_options(options);
    return std::make_unique<msc_device>(options);
  }
  check_cuda_options(options);
  return std::make_unique<msc_device>(msc::cuda::make_cuda_backend(msc::cuda::installation(), options.ordinal));
}

template <size_t kSize>
void copy_cut(const std::string& text, char (&target)[kSize]) {
  const size_t length = std::min(text.size(), kSize - 1);
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

void check_copy(const msc_stream* stream, const msc_buffer* buffer, uint64_t offset, const void* host, uint64_t size) {
  msc::check_pointer(stream, "stream");
  msc::check_pointer(buffer, "buffer");
  MSC_CHECK_ARGUMENT(stream->device == buffer->device, "stream and buffer belong to different devices");
  msc::refuse_capture(*stream, "a copy");
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

msc_status msc_cuda_query(msc_cuda_info* info) {
  return msc::guard(__func__, [&] {
    msc::check_struct(info, "info");
    const msc::cuda::Installation installation = msc::cuda::installation();
    msc_cuda_info result = {};
    result.struct_size = sizeof(result);
    result.driver_version = installation.driver_version;
    result.library_found = installation.library_found ? 1 : 0;
    std::string problem = installation.problem;
    if (installation.table != nullptr) {
      result.toolkit_version = installation.table->toolkit_version;
      try {
        result.num_devices = static_cast<uint32_t>(msc::cuda::device_count(installation));
        problem = result.num_devices == 0 ? "the NVIDIA driver finds no CUDA device" : "";
      } catch (const msc::Error& error) {
        problem = error.text();
      }
    }
    copy_cut(problem, result.problem);
    copy_cut(installation.library_path, result.library_path);
    *info = result;
  });
}

msc_status msc_cuda_device_query(int32_t ordinal, msc_cuda_device_info* info) {
  return msc::guard(__func__, [&] {
    msc::check_struct(info, "info");
    const msc::cuda::Installation installation = msc::cuda::installation();
    const msc::cuda::DeviceProperties properties = msc::cuda::device_properties(installation, ordinal);
    msc_cuda_device_info result = {};
    result.struct_size = sizeof(result);
    result.compute_major = properties.compute_major;
    result.compute_minor = properties.compute_minor;
    result.num_multiprocessors = properties.num_multiprocessors;
    result.memory_bytes = properties.memory_bytes;
    copy_cut(properties.name, result.name);
    copy_cut(msc::cuda::device_problem(installation, ordinal, properties), result.problem);
    *info = result;
  });
}

msc_status msc_device_create(const msc_device_options* options, msc_device** device) {
  return msc::guard(__func__, [&] {
    msc::check_struct(options, "options");
    msc::check_pointer(device, "device");
    *device = create(*options).release();
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
    result.backend = device->backend->kind();
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
  return msc::guard(__func__, [&] {
    msc::check_pointer(stream, "stream");
    msc::refuse_capture(*stream, "msc_stream_synchronize");
    stream->device->backend->synchronize(stream->handle);
  });
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
    msc::refuse_capture(*stream, "msc_event_record");
    event->device->backend->record(event->handle, stream->handle);
    event->recorded = true;
  });
}

msc_status msc_event_query(msc_event* event, int32_t* done) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(event, "event");
    msc::check_pointer(done, "done");
    MSC_CHECK_ARGUMENT(event->recorded, "the event was never recorded: call msc_event_record first");
    *done = event->device->backend->is_done(event->handle) ? 1 : 0;
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
    MSC_CHECK_ARGUMENT(buffer->device->backend->kind() == MSC_BACKEND_CPU,
                       "the host cannot reach the memory of a CUDA device: use msc_buffer_upload and msc_buffer_download");
    *host_pointer = buffer->data;
  });
}

msc_status msc_buffer_upload(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, const void* host,
                             uint64_t size_bytes) {
  return msc::guard(__func__, [&] {
    check_copy(stream, buffer, offset_bytes, host, size_bytes);
    if (size_bytes != 0) {
      stream->device->backend->upload(stream->handle, buffer->data + offset_bytes, host, size_bytes);
    }
  });
}

msc_status msc_buffer_download(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, void* host,
                               uint64_t size_bytes) {
  return msc::guard(__func__, [&] {
    check_copy(stream, buffer, offset_bytes, host, size_bytes);
    if (size_bytes != 0) {
      stream->device->backend->download(stream->handle, host, buffer->data + offset_bytes, size_bytes);
    }
  });
}
