#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace msc {

/// How long the threads of one pool spin before they park, and whether spinning pays at the moment.
/// A thread that finds itself off its processor while spinning shares it with other work. Spinning then hurts: it uses up
/// the time that the scheduler grants, so that the thread is not run when it is needed, while a parked thread is run soon
/// after it is woken (native/README.md has the figures). So spinning is suspended for a while.
class SpinBudget {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SpinBudget(uint32_t microseconds) : limit_(std::chrono::microseconds(microseconds)) {}

  Clock::duration limit() const noexcept { return limit_; }

  bool is_suspended(Clock::time_point now) const noexcept {
    return now.time_since_epoch().count() < suspended_until_.load(std::memory_order_relaxed);
  }

  /// Reports the time between two looks at the clock while spinning; true when the thread was off its processor.
  bool was_preempted(Clock::time_point last, Clock::time_point now) noexcept {
    if (now - last < kPreempted) {
      return false;
    }
    suspend(now);
    return true;
  }

 private:
  // Looks are a microsecond apart; interrupts take tens of microseconds, other threads run for milliseconds.
  static constexpr auto kPreempted = std::chrono::microseconds(100);
  static constexpr int64_t kShortest = 50'000'000;    // nanoseconds
  static constexpr int64_t kLongest = 1'600'000'000;

  void suspend(Clock::time_point now) noexcept;

  const Clock::duration limit_;
  std::atomic<Clock::rep> suspended_until_{0};
  std::atomic<int64_t> period_{kShortest};
};

}  // namespace msc
