#include "core/spin_budget.h"

#include <algorithm>

namespace msc {

void SpinBudget::suspend(Clock::time_point now) noexcept {
  // Each suspension soon after another lasts twice as long, so that a busy machine is tried ever more rarely. Threads may
  // race here; any of their values will do.
  const int64_t period = period_.load(std::memory_order_relaxed);
  const Clock::time_point last_end{Clock::duration(suspended_until_.load(std::memory_order_relaxed))};
  const bool again = now < last_end + std::chrono::nanoseconds(period);
  const int64_t next = again ? std::min(2 * period, kLongest) : kShortest;
  period_.store(next, std::memory_order_relaxed);
  suspended_until_.store((now + std::chrono::nanoseconds(next)).time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace msc
