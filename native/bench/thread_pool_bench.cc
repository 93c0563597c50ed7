// What a parallel section and a barrier cost, while workers spin and after they have parked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/thread_pool.h"

namespace {

using msc::ThreadPool;

/// "best": the fastest of the bursts of sections, which no other work of the machine disturbed.
void empty_section(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  constexpr int kBurst = 50;
  ThreadPool pool({.num_threads = static_cast<unsigned>(state.range(0))});
  auto best = Clock::duration::max();
  for (auto _ : state) {
    const auto start = Clock::now();
    for (int i = 0; i < kBurst; ++i) {
      pool.run([](unsigned) {});
    }
    best = std::min(best, Clock::now() - start);
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
  state.counters["best_ns"] = std::chrono::duration<double, std::nano>(best).count() / kBurst;
}
BENCHMARK(empty_section)->Arg(1)->Arg(2)->Arg(4)->UseRealTime();

/// No spinning: every section wakes its workers through the kernel.
void empty_section_parked(benchmark::State& state) {
  ThreadPool pool({.num_threads = static_cast<unsigned>(state.range(0)), .spin_microseconds = 0});
  for (auto _ : state) {
    pool.run([](unsigned) {});
  }
}
BENCHMARK(empty_section_parked)->Arg(2)->Arg(4)->UseRealTime();

void barrier(benchmark::State& state) {
  constexpr int kBarriers = 1000;
  ThreadPool pool({.num_threads = static_cast<unsigned>(state.range(0))});
  for (auto _ : state) {
    pool.run([&](unsigned) {
      for (int i = 0; i < kBarriers; ++i) {
        pool.barrier();
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * kBarriers);
}
BENCHMARK(barrier)->Arg(2)->Arg(4)->UseRealTime();

/// Sections with gaps of the caller's own work between them, as in a decode step; the argument after the thread count is
/// the spinning time in microseconds, the last one the gap. Reported: time beyond the gap.
void section_after_gap(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  ThreadPool pool({.num_threads = static_cast<unsigned>(state.range(0)),
                   .spin_microseconds = static_cast<uint32_t>(state.range(1))});
  const auto gap = std::chrono::microseconds(state.range(2));
  for (auto _ : state) {
    const auto begin = Clock::now();
    while (Clock::now() - begin < gap) {
    }
    const auto start = Clock::now();
    pool.run([](unsigned) {});
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}
BENCHMARK(section_after_gap)->ArgsProduct({{2}, {0, 20, 50, 200}, {5, 30, 100}})->UseManualTime();

}  // namespace
