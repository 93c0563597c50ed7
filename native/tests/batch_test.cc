#include "core/batch.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/handles.h"

namespace {

using msc::test::Device;

/// A step's arrays, owned.
struct Step {
  std::vector<int32_t> token_ids = {5, 6, 7, 8, 9, 10};
  std::vector<int32_t> positions = {0, 1, 2, 40, 0, 1};
  std::vector<int32_t> offsets = {0, 3, 4, 6};
  std::vector<int32_t> logit_rows = {2, 3, 5};
  std::vector<int32_t> tables = {11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26};  // [2 groups, 3 sequences, 2]
  int64_t num_tokens = 6;
  int64_t num_sequences = 3;
  int64_t num_logit_rows = 3;
  int64_t stride = 2;

  msc_batch_desc desc() const {
    msc_batch_desc result = {};
    result.struct_size = sizeof(result);
    result.num_tokens = num_tokens;
    result.num_sequences = num_sequences;
    result.num_logit_rows = num_logit_rows;
    result.host_token_ids = token_ids.data();
    result.host_positions = positions.data();
    result.host_query_offsets = offsets.data();
    result.host_logit_rows = logit_rows.data();
    result.host_page_tables = tables.data();
    result.pages_stride = stride;
    return result;
  }
};

msc_batch_limits limits() {
  msc_batch_limits result = {};
  result.struct_size = sizeof(result);
  result.num_kv_groups = 2;
  result.max_tokens = 16;
  result.max_sequences = 4;
  result.max_pages = 3;
  return result;
}

auto content(const msc_batch& batch) {
  return std::make_tuple(batch.num_tokens, batch.num_sequences, batch.num_logit_rows, batch.token_ids, batch.positions,
                         batch.query_offsets, batch.logit_rows, batch.page_tables, batch.key_lengths);
}

class BatchTest : public testing::Test {
 protected:
  BatchTest() : device_({.num_threads = 1}) {
    const msc_batch_limits some = limits();
    msc::test::check(msc_batch_create(device_.get(), &some, &batch_));
  }
  ~BatchTest() override { msc_batch_destroy(batch_); }

  msc_status update(const msc_batch_desc& desc) { return msc_batch_update(batch_, device_.stream(), &desc); }

  /// The change must be refused with `part` in the text, and the batch must keep its content.
  void expect_refused(const std::function<void(Step&, msc_batch_desc&)>& change, const std::string& part) {
    ASSERT_EQ(MSC_STATUS_OK, update(Step().desc())) << msc::test::last_error();
    const auto before = content(*batch_);
    Step step;
    msc_batch_desc desc = step.desc();
    change(step, desc);
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, update(desc)) << "expected a refusal with: " << part;
    EXPECT_NE(msc::test::last_error().find(part), std::string::npos) << msc::test::last_error();
    EXPECT_EQ(before, content(*batch_));
  }

  Device device_;
  msc_batch* batch_ = nullptr;
};

TEST_F(BatchTest, CopiesAStep) {
  const Step step;
  ASSERT_EQ(MSC_STATUS_OK, update(step.desc())) << msc::test::last_error();
  EXPECT_EQ(6, batch_->num_tokens);
  EXPECT_EQ(step.token_ids, batch_->token_ids);
  EXPECT_EQ(step.positions, batch_->positions);
  EXPECT_EQ(step.offsets, batch_->query_offsets);
  EXPECT_EQ(step.logit_rows, batch_->logit_rows);
  EXPECT_EQ(std::vector<int32_t>({23, 24, -1}), std::vector<int32_t>(batch_->pages(1, 1), batch_->pages(1, 1) + 3));
}

TEST_F(BatchTest, KeyLengthsAreGivenOrThoseOfTheBatch) {
  Step step;
  ASSERT_EQ(MSC_STATUS_OK, update(step.desc())) << msc::test::last_error();
  EXPECT_EQ(std::vector<int32_t>({3, 41, 2, 3, 41, 2}), batch_->key_lengths);
  const std::vector<int32_t> lengths = {0, 0, 9, 7, 0, 1};
  msc_batch_desc desc = step.desc();
  desc.host_key_lengths = lengths.data();
  ASSERT_EQ(MSC_STATUS_OK, update(desc)) << msc::test::last_error();
  EXPECT_EQ(std::vector<int32_t>({3, 41, 9, 7, 41, 1}), batch_->key_lengths);
  EXPECT_EQ(41, batch_->key_length(1, 1));
  EXPECT_EQ(7, batch_->key_length(1, 0));
  expect_refused(
      [](Step&, auto& d) {
        static constexpr int32_t kNegative[] = {0, 0, 0, 0, -1, 0};
        d.host_key_lengths = kNegative;
      },
      "key_lengths[4] is -1 (group 1, sequence 1)");
}

TEST_F(BatchTest, AllocatesNothingAfterCreation) {
  const int32_t* places[] = {batch_->token_ids.data(), batch_->page_tables.data(), batch_->logit_rows.data()};
  ASSERT_EQ(MSC_STATUS_OK, update(Step().desc()));
  EXPECT_EQ(places[0], batch_->token_ids.data());
  EXPECT_EQ(places[1], batch_->page_tables.data());
  EXPECT_EQ(places[2], batch_->logit_rows.data());
}

TEST_F(BatchTest, RefusesContradictions) {
  expect_refused([](Step&, auto& d) { d.num_tokens = 0; }, "num_tokens is 0");
  expect_refused([](Step&, auto& d) { d.num_tokens = 17; }, "max_tokens (16)");
  expect_refused([](Step&, auto& d) { d.num_tokens = INT64_MAX; }, "num_tokens");
  expect_refused([](Step&, auto& d) { d.num_tokens = 5; }, "must be num_tokens (5)");
  expect_refused([](Step&, auto& d) { d.num_sequences = 0; }, "num_sequences is 0");
  expect_refused([](Step&, auto& d) { d.num_sequences = 5; }, "max_sequences (4)");
  expect_refused([](Step&, auto& d) { d.num_logit_rows = -1; }, "num_logit_rows");
  expect_refused([](Step&, auto& d) { d.num_logit_rows = 7; }, "num_logit_rows is 7");
  expect_refused([](Step&, auto& d) { d.pages_stride = 4; }, "pages_stride is 4");
  expect_refused([](Step&, auto& d) { d.pages_stride = 0; }, "pages_stride is 0");
  expect_refused([](Step&, auto& d) { d.reserved = 1; }, "reserved");
  expect_refused([](Step&, auto& d) { d.struct_size = 8; }, "struct_size is 8");
  expect_refused([](Step& s, auto&) { s.offsets[0] = 1; }, "query_offsets[0] is 1");
  expect_refused([](Step& s, auto&) { s.offsets[1] = 0; }, "query_offsets[1] is 0");
  expect_refused([](Step& s, auto&) { s.offsets[2] = 7; }, "query_offsets[3]");
  expect_refused([](Step& s, auto&) { s.offsets[3] = 7; }, "query_offsets[3] is 7");
  expect_refused([](Step& s, auto&) { s.positions[1] = 2; }, "positions[1] is 2, expected 1");
  expect_refused([](Step& s, auto&) { s.positions[3] = -1; }, "positions[3] is -1");
  expect_refused([](Step& s, auto&) { s.token_ids[5] = -7; }, "token_ids[5] is -7");
  expect_refused([](Step& s, auto&) { s.logit_rows[1] = 2; }, "logit_rows[1] is 2");
  expect_refused([](Step& s, auto&) { s.logit_rows[2] = 6; }, "logit_rows[2] is 6");
  expect_refused([](Step& s, auto&) { s.logit_rows[0] = -1; }, "logit_rows[0] is -1");
}

TEST_F(BatchTest, RefusesNullArrays) {
  expect_refused([](Step&, auto& d) { d.host_token_ids = nullptr; }, "host_token_ids is NULL");
  expect_refused([](Step&, auto& d) { d.host_positions = nullptr; }, "host_positions is NULL");
  expect_refused([](Step&, auto& d) { d.host_query_offsets = nullptr; }, "host_query_offsets is NULL");
  expect_refused([](Step&, auto& d) { d.host_logit_rows = nullptr; }, "host_logit_rows is NULL");
  expect_refused([](Step&, auto& d) { d.host_page_tables = nullptr; }, "host_page_tables is NULL");
}

TEST_F(BatchTest, PositionsMayNotPassTheIntegers) {
  expect_refused(
      [](Step& s, auto&) {
        s.positions[4] = INT32_MAX;
        s.positions[5] = INT32_MIN;
      },
      "positions[5]");
}

/// The rules again, written as a predicate: the oracle of the random test.
bool is_valid(const Step& s) {
  const msc_batch_limits most = limits();
  if (s.num_tokens < 1 || s.num_tokens > most.max_tokens || s.num_sequences < 1 ||
      s.num_sequences > most.max_sequences || s.num_sequences > s.num_tokens || s.num_logit_rows < 0 ||
      s.num_logit_rows > s.num_tokens || s.stride < 1 || s.stride > most.max_pages) {
    return false;
  }
  bool valid = s.offsets[0] == 0 && s.offsets[static_cast<size_t>(s.num_sequences)] == s.num_tokens;
  for (int64_t i = 0; i < s.num_sequences && valid; ++i) {
    valid = s.offsets[static_cast<size_t>(i)] < s.offsets[static_cast<size_t>(i) + 1];
  }
  for (int64_t i = 0; i < s.num_sequences && valid; ++i) {
    for (int32_t t = s.offsets[static_cast<size_t>(i)]; t < s.offsets[static_cast<size_t>(i) + 1]; ++t) {
      const auto index = static_cast<size_t>(t);
      valid = valid && s.token_ids[index] >= 0 && s.positions[index] >= 0 &&
              (t == s.offsets[static_cast<size_t>(i)] ||
               s.positions[index] == static_cast<int64_t>(s.positions[index - 1]) + 1);
    }
  }
  for (int64_t i = 0; i < s.num_logit_rows && valid; ++i) {
    const int32_t row = s.logit_rows[static_cast<size_t>(i)];
    valid = row >= 0 && row < s.num_tokens && (i == 0 || row > s.logit_rows[static_cast<size_t>(i) - 1]);
  }
  return valid;
}

TEST_F(BatchTest, RandomDamageIsRefusedExactlyWhenItMatters) {
  std::mt19937 random(20240607);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Step step;
    // Room for every count within the limits, so that the library may not read past an array.
    step.token_ids.resize(17, 1);
    step.positions.resize(17, 0);
    step.offsets.resize(6, 6);
    step.logit_rows.resize(17, 5);
    step.tables.resize(64, 3);
    for (int change = below(3); change >= 0; --change) {
      const int32_t values[] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 41, INT32_MAX, INT32_MIN};
      const int32_t value = values[below(12)];
      std::vector<int32_t>* const arrays[] = {&step.token_ids, &step.positions, &step.offsets, &step.logit_rows};
      int64_t* const counts[] = {&step.num_tokens, &step.num_sequences, &step.num_logit_rows, &step.stride};
      if (below(4) == 0) {
        *counts[below(4)] = value;
      } else {
        std::vector<int32_t>& array = *arrays[below(4)];
        array[static_cast<size_t>(below(6))] = value;
      }
    }
    const auto before = content(*batch_);
    const msc_status status = update(step.desc());
    ASSERT_EQ(is_valid(step) ? MSC_STATUS_OK : MSC_STATUS_BAD_ARGUMENT, status) << msc::test::last_error();
    if (status == MSC_STATUS_OK) {
      ++accepted;
    } else {
      ASSERT_EQ(before, content(*batch_));
      ++refused;
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 5000);
}

TEST(BatchLimits, AreChecked) {
  const Device device({.num_threads = 1});
  const auto refused = [&](const std::function<void(msc_batch_limits&)>& change) {
    msc_batch_limits wrong = limits();
    change(wrong);
    msc_batch* batch = nullptr;
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_batch_create(device.get(), &wrong, &batch)) << msc::test::last_error();
    EXPECT_EQ(nullptr, batch);
  };
  refused([](auto& l) { l.max_tokens = 0; });
  refused([](auto& l) { l.max_tokens = INT64_MAX; });
  refused([](auto& l) { l.max_sequences = 0; });
  refused([](auto& l) { l.max_sequences = 17; });
  refused([](auto& l) { l.max_pages = 0; });
  refused([](auto& l) { l.max_pages = INT64_MAX; });
  refused([](auto& l) { l.num_kv_groups = 65; });
  refused([](auto& l) { l.num_kv_groups = UINT32_MAX; });
  refused([](auto& l) {
    l.max_tokens = l.max_sequences = INT32_MAX - 1;
    l.max_pages = INT32_MAX - 1;
    l.num_kv_groups = 64;
  });
  refused([](auto& l) { l.struct_size = 0; });
}

}  // namespace
