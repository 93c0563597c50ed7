#pragma once

#include <cstdint>
#include <utility>

#include "core/device.h"
#include "core/section_queue.h"
#include "core/thread_pool.h"

namespace msc {

/// Runs the parallel part of an op: a Section(stream, args...) is its plan, made on the submitting thread; then work(thread)
/// is called once on every thread of the pool, or on any one of them where is_alone() (waking others would cost more than
/// they help). While a graph is launched the section is queued and runs after the call has returned, so it keeps copies of
/// what its caller holds on the stack, and the ops before it need not be done when it is planned.
template <class Section, class... Args>
void run_section(msc_stream& stream, Args&&... args) {
  if (stream.queue() != nullptr) {
    stream.queue()->emplace<Section>(stream, std::forward<Args>(args)...);
    return;
  }
  Section section(stream, std::forward<Args>(args)...);
  if (section.is_alone()) {
    section.work(0);
  } else {
    stream.device->pool.run([&](unsigned thread) { section.work(thread); });
  }
}

/// Waits for the ops before, for a plan that reads what they have written.
inline void wait_for_ops(msc_stream& stream) {
  if (stream.queue() != nullptr) {
    stream.queue()->settle();
  }
}

/// The section of for_each_range.
template <class F>
class RangeSection {
 public:
  RangeSection(msc_stream& stream, int64_t count, bool alone, F f)
      : f_(std::move(f)), count_(count), num_threads_(stream.device->pool.num_threads()), alone_(alone || num_threads_ == 1) {}

  bool is_alone() const { return alone_; }
  void work(unsigned thread) { f_(thread, alone_ ? Range{0, count_} : split_range(count_, thread, num_threads_)); }

 private:
  F f_;
  int64_t count_;
  unsigned num_threads_;
  bool alone_;
};

/// Calls f(thread, range) until `count` items are covered: on every thread of the pool with a range of its own, or once
/// when `alone`. As a section: f keeps copies of what its caller holds.
template <class F>
void for_each_range(msc_stream& stream, int64_t count, bool alone, F f) {
  run_section<RangeSection<F>>(stream, count, alone, std::move(f));
}

}  // namespace msc
