#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/backend.h"
#include "core/memory.h"
#include "core/thread_pool.h"
#include "moesaic/device.h"

/// A device: its backend, and what the CPU's ops use directly: an instruction-set level, the features in use within it,
/// and a pool of threads. On other devices these are of a single thread, and no op looks at them.
struct msc_device {
  explicit msc_device(const msc_device_options& options);  // options already checked
  /// A device of another backend; options already checked.
  explicit msc_device(std::unique_ptr<msc::Backend> other);
  std::unique_ptr<msc::Backend> backend;  // memory, copies, streams, events
  int32_t isa;         // msc_isa; AUTO on other backends than the CPU
  uint32_t features;   // msc_cpu_feature bits in use
  unsigned row_group;  // rows that packed weights interleave: 8 (portable, AVX2) or 16 (AVX512); 0 elsewhere
  msc::ThreadPool pool;
  msc::MemoryPool weight_memory;
  std::atomic<int64_t> live_objects{0};  // streams, buffers, weights, caches that still refer to this device
};

/// In-order work of one submitting thread. CPU ops run inside the call.
struct msc_stream {
  explicit msc_stream(msc_device* owner);
  ~msc_stream();
  msc_stream(const msc_stream&) = delete;
  msc_stream& operator=(const msc_stream&) = delete;

  /// Scratch memory for one op, 64-byte aligned, uninitialised; valid until the next call of scratch() on this stream.
  /// Grows when needed and is kept, so that steady state allocates nothing.
  std::byte* scratch(size_t bytes) { return inner_.take(bytes); }
  /// A second such block, for an op that runs another op's code (which uses scratch()) on the way.
  std::byte* outer_scratch(size_t bytes) { return outer_.take(bytes); }

  msc_device* device;
  msc::Backend::Handle handle;

 private:
  class Scratch {
   public:
    ~Scratch();
    std::byte* take(size_t bytes);

   private:
    std::byte* data_ = nullptr;
    size_t bytes_ = 0;
  };
  Scratch inner_;
  Scratch outer_;
};

/// Zeroed, 64-byte aligned memory of the device; the host may follow `data` on CPU devices only.
struct msc_buffer {
  msc_buffer(msc_device* owner, uint64_t bytes);
  ~msc_buffer();
  msc_buffer(const msc_buffer&) = delete;
  msc_buffer& operator=(const msc_buffer&) = delete;

  msc_device* device;
  uint64_t size_bytes;
  std::byte* data;
};

/// A point in a stream's work.
struct msc_event {
  explicit msc_event(msc_device* owner);
  ~msc_event();
  msc_event(const msc_event&) = delete;
  msc_event& operator=(const msc_event&) = delete;

  msc_device* device;
  msc::Backend::Handle handle;
  bool recorded = false;
};
