#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/backend.h"
#include "core/memory.h"
#include "core/scratch.h"
#include "core/section_queue.h"
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

struct msc_graph;

/// In-order work of one submitting thread. CPU ops run inside the call, those of a graph inside its launch.
struct msc_stream {
  explicit msc_stream(msc_device* owner);
  ~msc_stream();
  msc_stream(const msc_stream&) = delete;
  msc_stream& operator=(const msc_stream&) = delete;

  /// Scratch memory for one section, 64-byte aligned, uninitialised; valid until the next call of scratch() on this stream
  /// or, where sections are queued, as long as the section.
  std::byte* scratch(size_t bytes) { return queue_ == nullptr ? inner_.take(bytes) : queue_->scratch(bytes); }
  /// A second such block, for an op of several sections; the same in all of them.
  std::byte* outer_scratch(size_t bytes);

  /// Where sections go while a graph is launched; NULL: they run at once.
  msc::SectionQueue* queue() const { return queue_; }
  /// Calls submit() with sections queued; they are done when this returns.
  template <class Submit>
  void run_queued(Submit&& submit) {
    struct Queueing {
      explicit Queueing(msc_stream& stream) : stream_(stream) { stream_.queue_ = &stream_.sections_; }
      ~Queueing() { stream_.queue_ = nullptr; }
      msc_stream& stream_;
    } queueing(*this);
    sections_.run(submit);
  }

  /// The graph that ops are added to in place of running; NULL: none.
  msc_graph* capture() const { return capture_.get(); }
  /// @return the capture before.
  std::unique_ptr<msc_graph> set_capture(std::unique_ptr<msc_graph> graph);

  msc_device* device;
  msc::Backend::Handle handle;

 private:
  msc::SectionQueue sections_;
  msc::SectionQueue* queue_ = nullptr;
  std::unique_ptr<msc_graph> capture_;
  msc::Scratch inner_;
  msc::Scratch outer_;
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
