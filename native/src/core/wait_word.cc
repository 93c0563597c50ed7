#include "core/wait_word.h"

#include <chrono>
#include <climits>
#include <thread>

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

constexpr int kPausesPerRound = 32;

// A waiter that has spun this long lets others run between rounds: on an oversubscribed machine the thread it waits for
// may need this very processor. With nobody else to run, the call returns at once.
constexpr auto kYieldAfter = std::chrono::microseconds(5);

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

void WaitWord::wait_while(uint32_t seen, uint32_t spin_microseconds) noexcept {
  if (spin_microseconds != 0) {
    for (int i = 0; i < kPausesPerRound; ++i) {
      if (load() != seen) {
        return;
      }
      pause_processor();
    }
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    for (;;) {
      for (int i = 0; i < kPausesPerRound; ++i) {
        if (load() != seen) {
          return;
        }
        pause_processor();
      }
      const auto spun = Clock::now() - start;
      if (spun >= std::chrono::microseconds(spin_microseconds)) {
        break;
      }
      if (spun >= kYieldAfter) {
        std::this_thread::yield();
      }
    }
  }
  park(seen);
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
