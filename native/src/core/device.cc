#include "core/device.h"

#include "core/cpu_features.h"
#include "core/error.h"
#include "core/memory.h"

namespace {

msc::ThreadPoolOptions pool_options(const msc_device_options& options) {
  return {options.num_threads, options.spin_microseconds, options.pin_threads != 0};
}

int32_t chosen_isa(const msc_device_options& options) {
  return options.isa == MSC_ISA_AUTO ? msc::cpu_info().best_isa : options.isa;
}

}  // namespace

msc_device::msc_device(const msc_device_options& options)
    : isa(chosen_isa(options)),
      features(msc::features_of_isa(msc::cpu_info().features, isa) & ~options.disabled_features),
      row_group(isa == MSC_ISA_AVX512 ? 16 : 8),
      pool(pool_options(options)) {}

msc_stream::msc_stream(msc_device* owner) : device(owner) { ++device->live_objects; }

msc_stream::~msc_stream() { --device->live_objects; }

msc_stream::Scratch::~Scratch() { msc::free_zeroed(data_, bytes_); }

std::byte* msc_stream::Scratch::take(size_t bytes) {
  if (bytes > bytes_) {
    // A half more than asked, so that slowly growing batches settle; the old content may go, so it goes first.
    const size_t grown = bytes > SIZE_MAX / 2 ? bytes : bytes + bytes / 2;
    msc::free_zeroed(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
    data_ = msc::allocate_zeroed(grown);
    bytes_ = grown;
  }
  return data_;
}

msc_buffer::msc_buffer(msc_device* owner, uint64_t bytes)
    : device(owner), size_bytes(bytes), data(msc::allocate_zeroed(bytes)) {
  ++device->live_objects;
}

msc_buffer::~msc_buffer() {
  msc::free_zeroed(data, size_bytes);
  --device->live_objects;
}
