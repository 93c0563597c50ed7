#include "core/section_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/section.h"
#include "tests/support/handles.h"

namespace {

using msc::SectionQueue;
using msc::ThreadPool;

/// What sections have done; each notes itself, so that a race or a wrong order shows.
struct Log {
  explicit Log(unsigned threads) : num_threads(threads) {}
  unsigned num_threads;
  std::vector<int> done;  // sections in the order of their ends
  std::atomic<int> wrong{0};
};

/// Every thread checks that all sections before have ended, works, and the last to leave notes the end.
class Step {
 public:
  Step(Log& log, ThreadPool& pool, int number, bool alone, bool meets, bool fails = false)
      : log_(log), pool_(pool), number_(number), left_(alone ? 1 : static_cast<int>(pool.num_threads())), alone_(alone),
        meets_(meets), fails_(fails) {}

  bool is_alone() const { return alone_; }
  void work(unsigned thread) {
    if (static_cast<int>(log_.done.size()) != number_) {
      ++log_.wrong;
    }
    if (fails_ && (alone_ || thread == pool_.num_threads() - 1)) {
      throw std::runtime_error("section " + std::to_string(number_));
    }
    if (meets_ && !alone_) {
      pool_.barrier();
    }
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      log_.done.push_back(number_);
    }
  }

 private:
  Log& log_;
  ThreadPool& pool_;
  int number_;
  std::atomic<int> left_;
  bool alone_;
  bool meets_;
  bool fails_;
};

TEST(SectionQueue, SectionsRunOneAfterAnotherOnAllThreads) {
  for (const unsigned threads : {2u, 3u, 5u}) {
    ThreadPool pool({.num_threads = threads});
    SectionQueue queue(pool);
    for (int launch = 0; launch < 50; ++launch) {
      Log log(threads);
      std::vector<int> expected;
      queue.run([&] {
        // Every mixture of kinds, by the bits of the launch's number.
        for (int i = 0; i < 12; ++i) {
          queue.emplace<Step>(log, pool, i, ((launch + i) & 1) != 0, ((launch >> 1 ^ i) & 2) != 0);
          expected.push_back(i);
          if ((launch + i) % 5 == 0) {
            queue.settle();
            EXPECT_EQ(expected, log.done) << "settle returned before the sections were done";
          }
        }
      });
      ASSERT_EQ(expected, log.done);
      ASSERT_EQ(0, log.wrong.load());
    }
  }
}

TEST(SectionQueue, NothingQueuedReturns) {
  ThreadPool pool({.num_threads = 3});
  SectionQueue queue(pool);
  for (int i = 0; i < 100; ++i) {
    queue.run([] {});
  }
}

TEST(SectionQueue, AFailedPlanLetsWhatWasQueuedEnd) {
  for (const unsigned threads : {2u, 4u}) {
    ThreadPool pool({.num_threads = threads});
    SectionQueue queue(pool);
    for (int before = 0; before < 6; ++before) {
      Log log(threads);
      const auto launch = [&] {
        queue.run([&] {
          for (int i = 0; i < before; ++i) {
            queue.emplace<Step>(log, pool, i, i % 3 == 2, true);
          }
          throw std::runtime_error("the plan");
        });
      };
      EXPECT_THROW(launch(), std::runtime_error);
      EXPECT_EQ(before, static_cast<int>(log.done.size()));
      queue.run([&] {});  // is still usable
    }
  }
}

TEST(SectionQueue, AFailedSectionEndsTheLaunch) {
  for (const unsigned threads : {2u, 4u}) {
    ThreadPool pool({.num_threads = threads});
    SectionQueue queue(pool);
    for (int failing = 0; failing < 6; ++failing) {
      for (const bool alone : {false, true}) {
        Log log(threads);
        std::string text;
        try {
          queue.run([&] {
            for (int i = 0; i < 6; ++i) {
              queue.emplace<Step>(log, pool, i, alone && i == failing, false, i == failing);
            }
          });
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        EXPECT_EQ("section " + std::to_string(failing), text);
        EXPECT_EQ(failing, static_cast<int>(log.done.size()));
        Log after(threads);
        queue.run([&] { queue.emplace<Step>(after, pool, 0, false, true); });
        EXPECT_EQ(1u, after.done.size());
      }
    }
  }
}

/// Scratch memory of a section stays its own until it has ended, also when that of the next grows.
TEST(SectionQueue, ScratchIsNotSharedWithTheNextSection) {
  msc::test::Device device({.num_threads = 2});
  msc_stream& stream = *device.stream();
  std::atomic<int> wrong{0};
  stream.run_queued([&] {
    for (int i = 1; i <= 40; ++i) {
      const size_t bytes = static_cast<size_t>(i) * 4096;
      std::byte* memory = stream.scratch(bytes);
      std::fill_n(memory, bytes, static_cast<std::byte>(i));
      msc::for_each_range(stream, 2, false, [=, &wrong](unsigned, msc::Range) {
        for (size_t k = 0; k < bytes; k += 64) {
          wrong += memory[k] != static_cast<std::byte>(i) ? 1 : 0;
        }
      });
    }
  });
  EXPECT_EQ(0, wrong.load());
}

}  // namespace
