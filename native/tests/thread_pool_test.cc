#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/error.h"

namespace {

using msc::ThreadPool;

TEST(ThreadPool, RunsASectionOnceOnEveryThread) {
  for (const unsigned threads : {1u, 2u, 3u, 8u}) {
    ThreadPool pool({.num_threads = threads});
    ASSERT_EQ(threads, pool.num_threads());
    std::vector<int> calls(threads, 0);  // each slot belongs to one thread: a race is a finding of ThreadSanitizer
    for (int round = 0; round < 200; ++round) {
      pool.run([&](unsigned thread) { ++calls[thread]; });
    }
    EXPECT_EQ(std::vector<int>(threads, 200), calls);
  }
}

TEST(ThreadPool, TheCallerIsThreadZero) {
  ThreadPool pool({.num_threads = 3});
  std::thread::id zero;
  pool.run([&](unsigned thread) {
    if (thread == 0) {
      zero = std::this_thread::get_id();
    }
  });
  EXPECT_EQ(std::this_thread::get_id(), zero);
}

TEST(ThreadPool, BarriersSeparatePhases) {
  for (const uint32_t spin : {0u, 50u}) {
    constexpr unsigned kThreads = 4;
    ThreadPool pool({.num_threads = kThreads, .spin_microseconds = spin});
    int cells[kThreads] = {};
    std::atomic<int> wrong{0};
    pool.run([&](unsigned thread) {
      for (int phase = 1; phase <= 100; ++phase) {
        cells[thread] = phase;
        pool.barrier();
        for (const int cell : cells) {
          wrong += cell != phase ? 1 : 0;
        }
        pool.barrier();
      }
    });
    EXPECT_EQ(0, wrong.load());
  }
}

TEST(ThreadPool, ParkedWorkersWakeForEverySection) {
  ThreadPool pool({.num_threads = 3, .spin_microseconds = 0});
  std::atomic<int> calls{0};
  for (int round = 0; round < 2000; ++round) {
    pool.run([&](unsigned) { calls.fetch_add(1, std::memory_order_relaxed); });
  }
  EXPECT_EQ(6000, calls.load());
}

TEST(ThreadPool, SectionsOfSeveralCallersDoNotOverlap) {
  ThreadPool pool({.num_threads = 2});
  int64_t total = 0;  // written by thread 0 of each section only: safe if sections are serialised
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        pool.run([&](unsigned thread) {
          if (thread == 0) {
            ++total;
          }
        });
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(2000, total);
}

TEST(ThreadPool, RethrowsAnExceptionOfAnyThreadAndGoesOn) {
  ThreadPool pool({.num_threads = 3});
  for (unsigned thrower = 0; thrower < 3; ++thrower) {
    try {
      pool.run([&](unsigned thread) {
        if (thread == thrower) {
          throw std::runtime_error(std::to_string(thread));
        }
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::to_string(thrower), error.what());
    }
  }
  std::atomic<int> calls{0};
  pool.run([&](unsigned) { ++calls; });
  EXPECT_EQ(3, calls.load());
}

TEST(ThreadPool, AnExceptionFreesThreadsThatWaitAtABarrier) {
  ThreadPool pool({.num_threads = 3});
  for (unsigned thrower = 0; thrower < 3; ++thrower) {
    std::atomic<int> passed{0};
    EXPECT_THROW(pool.run([&](unsigned thread) {
      if (thread == thrower) {
        throw std::runtime_error("before the barrier");
      }
      pool.barrier();
      ++passed;
    }),
                 std::runtime_error);
    EXPECT_EQ(0, passed.load()) << "a thread went on with the others' work missing";
  }
  pool.run([&](unsigned) { pool.barrier(); });
}

TEST(ThreadPool, RefusesNestedSections) {
  ThreadPool pool({.num_threads = 2});
  EXPECT_THROW(pool.run([&](unsigned) { pool.run([](unsigned) {}); }), msc::Error);
}

TEST(ThreadPool, RefusesAbsurdThreadCounts) { EXPECT_THROW(ThreadPool({.num_threads = 1u << 30}), msc::Error); }

double clock_seconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Keeps this thread busy for as much processor time.
void work_for(double seconds) {
  const double end = clock_seconds(CLOCK_THREAD_CPUTIME_ID) + seconds;
  while (clock_seconds(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
}

TEST(ThreadPool, IdleUsesNoProcessor) {
  ThreadPool pool({.num_threads = 2, .spin_microseconds = 50});
  pool.run([](unsigned) {});
  work_for(0.02);  // the worker's spinning time is over
  const auto of_others = [] {
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - clock_seconds(CLOCK_THREAD_CPUTIME_ID);
  };
  const double before = of_others();
  work_for(0.1);
  EXPECT_LT(of_others() - before, 0.005) << "a spinning worker would have used about as much as this thread";
}

TEST(SplitRange, CoversEveryItemOnceInMultiplesOfTheGrain) {
  for (const int64_t count : {0, 1, 7, 16, 100, 1023}) {
    for (const unsigned threads : {1u, 2u, 3u, 7u, 64u}) {
      for (const int64_t grain : {1, 8, 16}) {
        int64_t next = 0;
        for (unsigned thread = 0; thread < threads; ++thread) {
          const msc::Range range = msc::split_range(count, thread, threads, grain);
          ASSERT_EQ(next, range.begin);
          ASSERT_LE(range.begin, range.end);
          ASSERT_TRUE(range.end % grain == 0 || range.end == count);
          next = range.end;
        }
        ASSERT_EQ(count, next);
      }
    }
  }
}

}  // namespace
