#include "core/pinning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "core/processors.h"
#include "tests/support/handles.h"

namespace {

using msc::ProcessorLease;

TEST(Pinning, NoProcessorIsLeasedTwice) {
  const auto available = static_cast<unsigned>(msc::allowed_processors().size());
  const ProcessorLease first(1);
  const ProcessorLease second(available);  // more than are left
  std::set<unsigned> all(first.processors().begin(), first.processors().end());
  all.insert(second.processors().begin(), second.processors().end());
  EXPECT_EQ(1u, first.processors().size());
  EXPECT_EQ(available - 1, second.processors().size());
  EXPECT_EQ(available, all.size());
  EXPECT_TRUE(ProcessorLease(1).processors().empty()) << "none is left";
}

TEST(Pinning, ALeaseIsGivenBack) {
  const auto available = static_cast<unsigned>(msc::allowed_processors().size());
  { const ProcessorLease all(available); }
  EXPECT_EQ(available, ProcessorLease(available).processors().size());
}

TEST(Pinning, ConcurrentLeasesAreDisjoint) {
  const auto available = msc::allowed_processors().size();
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    std::vector<std::vector<unsigned>> taken(4);
    {
      std::vector<std::unique_ptr<ProcessorLease>> leases(4);
      for (size_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
          leases[i] = std::make_unique<ProcessorLease>(1);
          taken[i] = leases[i]->processors();
        });
      }
      for (std::thread& thread : threads) {
        thread.join();
      }
    }
    std::set<unsigned> distinct;
    size_t count = 0;
    for (const auto& processors : taken) {
      distinct.insert(processors.begin(), processors.end());
      count += processors.size();
    }
    EXPECT_EQ(count, distinct.size());
    EXPECT_EQ(std::min<size_t>(4, available), count);
  }
}

uint32_t pinned(const msc::test::Device& device) {
  msc_device_info info = {};
  info.struct_size = sizeof(info);
  msc::test::check(msc_device_query(device.get(), &info));
  return info.num_pinned_threads;
}

TEST(Pinning, TwoDevicesShareTheProcessorsAndTheRestStaysUnpinned) {
  const auto available = static_cast<uint32_t>(msc::allowed_processors().size());
  const msc::test::Device first({.num_threads = 2, .pin_threads = true});
  const msc::test::Device second({.num_threads = available + 2, .pin_threads = true});
  EXPECT_EQ(1u, pinned(first));
  EXPECT_EQ(available - 1, pinned(second));
  const msc::test::Device third({.num_threads = 2, .pin_threads = true});
  EXPECT_EQ(0u, pinned(third));
  const msc::test::Device unpinned({.num_threads = 2});
  EXPECT_EQ(0u, pinned(unpinned));
}

}  // namespace
