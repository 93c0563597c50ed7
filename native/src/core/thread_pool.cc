#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/pinning.h"
#include "core/processors.h"
#include "core/wait_word.h"

namespace msc {
namespace {

// Longer than the gaps between the sections of one decode step (single microseconds), far shorter than the gap between
// two requests; see native/README.md for the measurement.
constexpr uint32_t kDefaultSpinMicroseconds = 50;

constexpr unsigned kMaxThreads = 4096;

thread_local const void* current_pool = nullptr;

/// Unwinds threads that wait at a barrier when another thread of the section has thrown.
struct SectionAbandoned {};

}  // namespace

struct ThreadPool::State {
  State(unsigned threads, uint32_t spin, unsigned leased)
      : num_threads(threads), spin_microseconds(spin), lease(leased) {}

  void work(unsigned thread);
  void call(unsigned thread) noexcept;
  void fail() noexcept;
  void stop() noexcept;

  const unsigned num_threads;
  const uint32_t spin_microseconds;
  const ProcessorLease lease;
  std::vector<std::thread> workers;
  std::atomic<unsigned> num_pinned{0};
  std::mutex run_mutex;

  // Written by the caller before `section_number` advances, read by workers after.
  ErasedSection section = nullptr;
  void* context = nullptr;
  bool stopping = false;

  WaitWord section_number;
  alignas(64) std::atomic<unsigned> num_running{0};  // workers that have not finished the section
  WaitWord sections_done;
  alignas(64) std::atomic<unsigned> num_arrived{0};
  WaitWord barriers_passed;

  alignas(64) std::atomic<bool> failed{false};
  std::exception_ptr failure;  // written by the thread that set `failed`
};

void ThreadPool::State::fail() noexcept {
  if (!failed.exchange(true, std::memory_order_seq_cst)) {
    failure = std::current_exception();
    barriers_passed.advance();
  }
}

void ThreadPool::State::call(unsigned thread) noexcept {
  const void* outer = std::exchange(current_pool, this);
  try {
    section(context, thread);
  } catch (const SectionAbandoned&) {
  } catch (...) {
    fail();
  }
  current_pool = outer;
}

void ThreadPool::State::work(unsigned thread) {
  if (thread - 1 < lease.processors().size() && pin_this_thread(lease.processors()[thread - 1])) {
    num_pinned.fetch_add(1, std::memory_order_relaxed);
  }
  if (num_running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    sections_done.advance();
  }
  for (uint32_t seen = 0;; ++seen) {
    section_number.wait_while(seen, spin_microseconds);
    if (stopping) {
      return;
    }
    call(thread);
    if (num_running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      sections_done.advance();
    }
  }
}

void ThreadPool::State::stop() noexcept {
  stopping = true;
  section_number.advance();
  for (std::thread& worker : workers) {
    worker.join();
  }
}

ThreadPool::ThreadPool(const ThreadPoolOptions& options) {
  const unsigned usable = usable_processors();
  const unsigned threads = options.num_threads == 0 ? usable : options.num_threads;
  MSC_CHECK_ARGUMENT(threads <= kMaxThreads, "num_threads is %u, at most %u are supported", threads, kMaxThreads);
  uint32_t spin = options.spin_microseconds;
  if (spin == ~0u) {
    // With more threads than processors a spinning thread would hold the processor that another one needs.
    spin = threads > usable ? 0 : kDefaultSpinMicroseconds;
  }
  state_ = std::make_unique<State>(threads, spin, options.pin_threads ? threads - 1 : 0);
  State& state = *state_;
  // Every started worker reports once, so that pins are counted before the pool is used.
  const uint32_t seen = state.sections_done.load();
  state.num_running.store(threads - 1, std::memory_order_relaxed);
  state.workers.reserve(threads - 1);
  try {
    for (unsigned thread = 1; thread < threads; ++thread) {
      state.workers.emplace_back([&state, thread] { state.work(thread); });
    }
  } catch (const std::system_error& error) {
    state.stop();
    throw_error(MSC_STATUS_OUT_OF_RESOURCE, "could start only %zu of %u threads (%s): ask for fewer threads",
                state.workers.size() + 1, threads, error.what());
  }
  if (threads > 1) {
    state.sections_done.wait_while(seen, 0);
  }
}

ThreadPool::~ThreadPool() { state_->stop(); }

unsigned ThreadPool::num_threads() const noexcept { return state_->num_threads; }

unsigned ThreadPool::num_pinned_threads() const noexcept {
  return state_->num_pinned.load(std::memory_order_relaxed);
}

unsigned ThreadPool::spin_microseconds() const noexcept { return state_->spin_microseconds; }

void ThreadPool::run_erased(ErasedSection section, void* context) {
  State& state = *state_;
  if (current_pool == &state) {
    throw_error(MSC_STATUS_REQUEST_FAILED, "a parallel section was started inside another of the same thread pool");
  }
  const std::lock_guard lock(state.run_mutex);
  state.section = section;
  state.context = context;
  state.failed.store(false, std::memory_order_relaxed);
  state.num_arrived.store(0, std::memory_order_relaxed);
  if (state.num_threads == 1) {
    state.call(0);
  } else {
    const uint32_t seen = state.sections_done.load();
    state.num_running.store(state.num_threads - 1, std::memory_order_relaxed);
    state.section_number.advance();
    state.call(0);
    state.sections_done.wait_while(seen, state.spin_microseconds);
  }
  if (state.failed.load(std::memory_order_acquire)) {
    std::rethrow_exception(std::exchange(state.failure, nullptr));
  }
}

void ThreadPool::barrier() {
  State& state = *state_;
  if (state.num_threads == 1) {
    return;
  }
  const uint32_t seen = state.barriers_passed.load();
  // A failure that advanced the word before `seen` was read is visible here; a later one ends the wait.
  if (!state.failed.load(std::memory_order_seq_cst)) {
    if (state.num_arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == state.num_threads) {
      state.num_arrived.store(0, std::memory_order_relaxed);
      state.barriers_passed.advance();
    } else {
      state.barriers_passed.wait_while(seen, state.spin_microseconds);
    }
  }
  if (state.failed.load(std::memory_order_acquire)) {
    throw SectionAbandoned{};
  }
}

}  // namespace msc
