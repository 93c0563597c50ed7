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

  /// @param memory [num_threads], uninitialised.
  WorkShares(Share* memory, int64_t count, unsigned num_threads) : shares_(memory), num_threads_(num_threads) {
    for (unsigned thread = 0; thread < num_threads; ++thread) {
      const Range range = split_range(count, thread, num_threads);
      new (memory + thread) Share{range.begin, range.end};
    }
  }

  /// The next item for `thread`, or -1 when all are taken.
  int64_t take(unsigned thread) {
    for (unsigned i = 0; i < num_threads_; ++i) {
      const unsigned owner = thread + i < num_threads_ ? thread + i : thread + i - num_threads_;
      Share& share = shares_[owner];
      if (share.next.load(std::memory_order_relaxed) < share.end) {
        const int64_t item = share.next.fetch_add(1, std::memory_order_relaxed);
        if (item < share.end) {
          return item;
        }
      }
    }
    return -1;
  }

 private:
  Share* shares_;
  unsigned num_threads_;
};

}  // namespace msc::cpu
