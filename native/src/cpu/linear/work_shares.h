#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "core/thread_pool.h"

namespace msc::cpu {

/// Items 0 .. count - 1 of a parallel section. A thread takes its own contiguous share in order, so that it streams
/// through memory, then helps the others with theirs. Who takes an item must not influence a result.
class WorkShares {
 public:
  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };

  WorkShares() = default;

  /// @param memory [num_threads], uninitialised.
  WorkShares(Share* memory, int64_t count, unsigned num_threads) : shares_(memory), num_threads_(num_threads) {
    for (unsigned thread = 0; thread < num_threads; ++thread) {
      const Range range = split_range(count, thread, num_threads);
      new (memory + thread) Share{range.begin, range.end};
    }
  }

  /// Calls f(item) for every item that falls to `thread`.
  template <class F>
  void run(unsigned thread, F&& f) {
    for (Range items = take(thread); items.begin < items.end; items = take(thread)) {
      for (int64_t item = items.begin; item < items.end; ++item) {
        f(item);
      }
    }
  }

 private:
  /// The next items for `thread`, empty when all are taken: several while much is left, one by one towards the end, so
  /// that all threads end together.
  Range take(unsigned thread) {
    for (unsigned i = 0; i < num_threads_; ++i) {
      const unsigned owner = thread + i < num_threads_ ? thread + i : thread + i - num_threads_;
      Share& share = shares_[owner];
      const int64_t left = share.end - share.next.load(std::memory_order_relaxed);
      if (left > 0) {
        const int64_t wanted = left >= 4 * kMostAtOnce ? kMostAtOnce : left >= 8 ? left / 4 : 1;
        const int64_t item = share.next.fetch_add(wanted, std::memory_order_relaxed);
        if (item < share.end) {
          return {item, item + wanted < share.end ? item + wanted : share.end};
        }
      }
    }
    return {0, 0};
  }

  static constexpr int64_t kMostAtOnce = 4;

  Share* shares_ = nullptr;
  unsigned num_threads_ = 0;
};

}  // namespace msc::cpu
