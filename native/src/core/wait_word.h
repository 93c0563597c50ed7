#pragma once

#include <atomic>
#include <cstdint>

namespace msc {

/// A counter that threads wait on to change: they spin for a bounded time, then the kernel parks them.
/// One cache line, so that spinning disturbs nothing else.
class alignas(64) WaitWord {
 public:
  uint32_t load() const noexcept { return value_.load(std::memory_order_acquire); }

  /// Adds one and wakes whoever is parked. Writes before it are visible to waiters after.
  void advance() noexcept;

  /// Returns when the value differs from `seen`.
  void wait_while(uint32_t seen, uint32_t spin_microseconds) noexcept;

 private:
  void park(uint32_t seen) noexcept;

  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> parked_{0};
};

}  // namespace msc
