#include "core/device.h"

#include <utility>

#include "core/cpu_features.h"
#include "core/error.h"
#include "core/graph.h"

namespace {

msc::ThreadPoolOptions pool_options(const msc_device_options& options) {
  return {options.num_threads, options.spin_microseconds, options.pin_threads != 0};
}

int32_t chosen_isa(const msc_device_options& options) {
  return options.isa == MSC_ISA_AUTO ? msc::cpu_info().best_isa : options.isa;
}

}  // namespace

msc_device::msc_device(const msc_device_options& options)
    : backend(msc::make_cpu_backend()),
      isa(chosen_isa(options)),
      features(msc::features_of_isa(msc::cpu_info().features, isa) & ~options.disabled_features),
      row_group(isa == MSC_ISA_AVX512 ? 16 : 8),
      pool(pool_options(options)) {}

msc_device::msc_device(std::unique_ptr<msc::Backend> other)
    : backend(std::move(other)), isa(MSC_ISA_AUTO), features(0), row_group(0), pool({.num_threads = 1}) {}

msc_stream::msc_stream(msc_device* owner)
    : device(owner), handle(owner->backend->create_stream()), sections_(owner->pool) {
  ++device->live_objects;
}

msc_stream::~msc_stream() {
  device->backend->destroy_stream(handle);
  --device->live_objects;
}

std::byte* msc_stream::outer_scratch(size_t bytes) {
  if (queue_ != nullptr && !outer_.holds(bytes)) {
    queue_->settle();  // Sections under way may still use what is about to be replaced.
  }
  return outer_.take(bytes);
}

std::unique_ptr<msc_graph> msc_stream::set_capture(std::unique_ptr<msc_graph> graph) {
  return std::exchange(capture_, std::move(graph));
}

msc_buffer::msc_buffer(msc_device* owner, uint64_t bytes)
    : device(owner), size_bytes(bytes), data(owner->backend->allocate(bytes)) {
  ++device->live_objects;
}

msc_buffer::~msc_buffer() {
  device->backend->free(data, size_bytes);
  --device->live_objects;
}

msc_event::msc_event(msc_device* owner) : device(owner), handle(owner->backend->create_event()) {
  ++device->live_objects;
}

msc_event::~msc_event() {
  device->backend->destroy_event(handle);
  --device->live_objects;
}
