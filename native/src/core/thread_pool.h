#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace msc {

struct ThreadPoolOptions {
  unsigned num_threads = 0;          // including the calling thread; 0: usable processors
  unsigned spin_microseconds = ~0u;  // before a waiting worker parks; ~0u: default
  bool pin_threads = false;
};

/// A fixed set of threads that run one parallel section at a time. The caller is thread 0.
/// Workers and barriers spin for a bounded time and then park, so an idle pool uses no processor.
/// run() may be called from several threads; sections are serialised. Sections must not nest.
class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned num_threads() const noexcept;
  unsigned num_pinned_threads() const noexcept;
  unsigned spin_microseconds() const noexcept;

  /// Calls section(thread_index) once on every thread and returns when all have returned; no allocation.
  /// The first exception thrown by any thread is rethrown here (a section that uses barrier() must not throw
  /// between barriers that other threads still wait at).
  template <class Section>
  void run(Section&& section) {
    using Body = std::remove_reference_t<Section>;
    run_erased([](void* context, unsigned thread) { (*static_cast<Body*>(context))(thread); },
               const_cast<std::remove_const_t<Body>*>(&section));
  }

  /// Inside a section: waits until all threads of the pool have arrived; writes before are visible after.
  void barrier();

 private:
  using ErasedSection = void (*)(void* context, unsigned thread);
  void run_erased(ErasedSection section, void* context);

  struct State;
  std::unique_ptr<State> state_;
};

/// Half-open range of items.
struct Range {
  int64_t begin;
  int64_t end;
};

/// The part of `count` items that thread `thread` of `num_threads` owns, in multiples of `grain`.
/// Which thread owns an item must never influence a result.
inline Range split_range(int64_t count, unsigned thread, unsigned num_threads, int64_t grain = 1) {
  const int64_t units = (count + grain - 1) / grain;
  const int64_t begin = units * thread / num_threads * grain;
  const int64_t end = units * (thread + 1) / num_threads * grain;
  return {begin < count ? begin : count, end < count ? end : count};
}

}  // namespace msc
