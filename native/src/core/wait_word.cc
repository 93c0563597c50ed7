#include "core/wait_word.h"

#include <climits>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace msc {
namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "the kernel waits on the bare word");

inline void pause_processor() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

constexpr int kPausesPerRound = 32;  // about a microsecond

}  // namespace

void WaitWord::advance() noexcept {
  // Both sides use sequentially consistent order: either this thread sees the waiter counted, or the waiter sees the
  // new value before it sleeps.
  value_.fetch_add(1, std::memory_order_seq_cst);
  if (parked_.load(std::memory_order_seq_cst) != 0) {
#if defined(__linux__)
    syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
#else
    value_.notify_all();
#endif
  }
}

void WaitWord::wait_while(uint32_t seen, SpinBudget& budget) noexcept {
  using Clock = SpinBudget::Clock;
  const auto changes_in_a_round = [&] {
    for (int i = 0; i < kPausesPerRound; ++i) {
      if (load() != seen) {
        return true;
      }
      pause_processor();
    }
    return load() != seen;
  };
  if (budget.limit() == Clock::duration::zero()) {
    return park(seen);
  }
  if (changes_in_a_round()) {
    return;
  }
  const auto start = Clock::now();
  if (budget.is_suspended(start)) {
    return park(seen);
  }
  for (auto last = start;;) {
    if (changes_in_a_round()) {
      return;
    }
    const auto now = Clock::now();
    if (budget.was_preempted(last, now) || now - start >= budget.limit()) {
      return park(seen);
    }
    last = now;
  }
}

void WaitWord::park(uint32_t seen) noexcept {
  parked_.fetch_add(1, std::memory_order_seq_cst);
  while (value_.load(std::memory_order_seq_cst) == seen) {
#if defined(__linux__)
    syscall(SYS_futex, &value_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
    value_.wait(seen, std::memory_order_seq_cst);
#endif
  }
  parked_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace msc
