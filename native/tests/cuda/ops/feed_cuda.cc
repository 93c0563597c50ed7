// What follows a draw on the device, and the lists of allowed tokens that precede one.
#include <gtest/gtest.h>

#include <map>

#include "core/error.h"
#include "cuda/sampling/feed.h"
#include "tests/cuda/layer/array.h"
#include "tests/cuda/ops/sampling_rig.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using cuda_on_cpu::Array;
using msc::cuda::FeedRow;
using msc::cuda::SampleRow;

bool operator==(const msc_token_count& a, const msc_token_count& b) {
  return a.id == b.id && a.generated == b.generated && a.total == b.total;
}

/// A sequence's tokens one after another: counts stay sorted and are those of a map, whatever comes first.
TEST(CudaFeed, CountsAsAMapDoes) {
  constexpr size_t kSteps = 40;
  optest::Rng rng(std::string_view("feed"));
  std::vector<msc_token_count> start;
  for (int32_t id = 0; id < 600; id += 2) {
    start.push_back({id, 0, 1});  // a prompt of more entries than a block has threads
  }
  std::map<int32_t, msc_token_count> expected;
  for (const msc_token_count& count : start) {
    expected[count.id] = count;
  }
  const size_t capacity = start.size() + kSteps;
  start.resize(capacity);
  const Array<msc_token_count> counts("counts", start);
  const Array<int32_t> history("history", kSteps);
  const Array<int32_t> length("length", std::vector<int32_t>{0});
  const Array<int32_t> next_ids("next_ids", size_t{3});
  const Array<int32_t> overflows("overflows", std::vector<int32_t>{0, 0});
  SampleRow row = {};
  row.num_counts = 300;
  row.position = 9;
  const Array<SampleRow> rows("rows", std::vector<SampleRow>{row, row});
  const Array<FeedRow> feeds("feeds", std::vector<FeedRow>{{2, static_cast<int32_t>(kSteps), history.data(), length.data(), counts.data(),
                                                            static_cast<uint32_t>(capacity), 0},
                                                           {-1, 0, nullptr, nullptr, nullptr, 0, 0}});
  std::vector<int32_t> drawn;
  for (size_t step = 0; step < kSteps; ++step) {
    cuda_on_cpu::set_turns(step % 2 == 0 ? cuda_on_cpu::Turns::kForward : cuda_on_cpu::Turns::kBackward);
    const auto id = static_cast<int32_t>(step == 0 ? 0 : step == 1 ? 700 : rng.integer(0, 620));
    const Array<int32_t> ids("ids", std::vector<int32_t>{id, 5});
    const msc::cuda::FeedParams params = {2, 3, ids.data(), feeds.data(), rows.data(), next_ids.data(), overflows.data()};
    check_feed(params);
    launch_feed(params, nullptr);
    drawn.push_back(id);
    auto& count = expected.try_emplace(id, msc_token_count{id, 0, 0}).first->second;
    ++count.generated;
    ++count.total;
    EXPECT_EQ(id, next_ids.data()[2]);
  }
  cuda_on_cpu::set_turns(cuda_on_cpu::Turns::kForward);
  optest::expect_equal(history.values(), drawn, "history");
  ASSERT_EQ(expected.size(), rows.data()[0].num_counts);
  size_t i = 0;
  for (const auto& [id, count] : expected) {
    ASSERT_TRUE(counts.data()[i] == count) << id << ", place " << i;
    ++i;
  }
  EXPECT_EQ(9 + kSteps, rows.data()[0].position);
  EXPECT_EQ(9 + kSteps, rows.data()[1].position);
  EXPECT_EQ(0u, cuda_on_cpu::memory().count_initialised(next_ids.data(), 8)) << "slots that no row has";
  EXPECT_EQ(std::vector<int32_t>({0, 0}), overflows.values());
}

TEST(CudaFeed, SaysWhatDoesNotFit) {
  const Array<msc_token_count> counts("counts", std::vector<msc_token_count>{{4, 1, 1}});
  const Array<int32_t> history("history", std::vector<int32_t>{4});
  const Array<int32_t> length("length", std::vector<int32_t>{1});
  SampleRow row = {};
  row.num_counts = 1;
  const Array<SampleRow> rows("rows", std::vector<SampleRow>{row, row, row, row});
  const Array<int32_t> overflows("overflows", std::vector<int32_t>(4, 0));
  const Array<FeedRow> feeds("feeds", std::vector<FeedRow>{{-1, 0, nullptr, nullptr, counts.data(), 1, 0},
                                                           {-1, 1, history.data(), length.data(), nullptr, 0, 0},
                                                           {0, 0, nullptr, nullptr, nullptr, 0, 0},
                                                           {7, 0, nullptr, nullptr, nullptr, 0, 0}});
  const Array<int32_t> next_ids("next_ids", size_t{1});
  const Array<int32_t> ids("ids", std::vector<int32_t>{5, 6, -1, 8});
  const msc::cuda::FeedParams params = {4, 1, ids.data(), feeds.data(), rows.data(), next_ids.data(), overflows.data()};
  launch_feed(params, nullptr);
  EXPECT_EQ(std::vector<int32_t>({1, 1, 0, 0}), overflows.values());
  EXPECT_EQ(-1, next_ids.data()[0]);
  EXPECT_EQ(0u, rows.data()[2].position) << "a row without a token stays where it is";
  EXPECT_EQ(1u, rows.data()[0].num_counts);
  msc::cuda::FeedParams bad = params;
  bad.rows = 0;
  EXPECT_THROW(check_feed(bad), msc::Error);
  bad = params;
  bad.ids = nullptr;
  EXPECT_THROW(check_feed(bad), msc::Error);
}

TEST(CudaAllowedIds, AreThoseOfTheMask) {
  optest::Rng rng(std::string_view("allowed"));
  for (const int64_t vocab : {1, 31, 64, 1000, 157184}) {
    constexpr int64_t kCapacity = 300;
    const std::vector<uint32_t> sparse = random_mask(rng, vocab, 100.0 / static_cast<double>(vocab));
    std::vector<uint32_t> full(sparse.size(), ~0u);  // with bits past the vocabulary
    const Array<uint32_t> first("mask", sparse);
    const Array<uint32_t> second("mask", full);
    std::vector<SampleRow> rows(3);
    rows[0].mask = first.data();
    rows[1].mask = second.data();
    const Array<SampleRow> device_rows("rows", rows);
    const Array<int32_t> ids("ids", size_t{3 * kCapacity});
    const Array<int32_t> counts("counts", size_t{3});
    const msc::cuda::AllowedIdsParams params = {3, vocab, device_rows.data(), kCapacity, ids.data(), counts.data()};
    check_allowed_ids(params);
    launch_allowed_ids(params, nullptr);
    std::vector<int32_t> expected;
    for (int64_t id = 0; id < vocab; ++id) {
      if ((sparse[static_cast<size_t>(id / 32)] >> (id % 32) & 1u) != 0) {
        expected.push_back(static_cast<int32_t>(id));
      }
    }
    ASSERT_LE(expected.size(), static_cast<size_t>(kCapacity));
    ASSERT_EQ(static_cast<int32_t>(expected.size()), counts.data()[0]);
    optest::expect_equal(std::vector<int32_t>(ids.data(), ids.data() + expected.size()), expected, "ids");
    EXPECT_EQ(vocab, counts.data()[1]);
    EXPECT_EQ(vocab, counts.data()[2]) << "no mask";
    for (int64_t i = 0; i < std::min(vocab, kCapacity); ++i) {
      ASSERT_EQ(i, ids.data()[kCapacity + i]);
    }
  }
}

}  // namespace
}  // namespace cuda_ops
