#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "tests/cuda/layer/array.h"
#include "tests/cuda/ops/sampling_rig.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using optest::RowSpec;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Ascending ids, no id twice.
std::vector<int32_t> some_ids(optest::Rng& rng, int64_t vocab, int64_t most) {
  std::vector<int32_t> ids = rng.integers(rng.integer(0, most), 0, vocab - 1);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

template <class T>
T one_of(optest::Rng& rng, std::initializer_list<T> values) {
  return values.begin()[rng.integer(0, static_cast<int64_t>(values.size()) - 1)];
}

RowSpec random_spec(optest::Rng& rng, int64_t vocab) {
  RowSpec spec;
  spec.temperature = one_of(rng, {0.0f, 0.05f, 0.7f, 1.0f, 1.0f, 1.5f, 4.0f, 100.0f});
  spec.top_k = one_of(rng, {0, 0, 0, 1, 2, 40, 200, 256, 257, 1000});
  spec.top_p = one_of(rng, {1.0f, 1.0f, 0.95f, 0.9f, 0.5f, 1e-6f, 0.99999994f});
  spec.min_p = one_of(rng, {0.0f, 0.0f, 0.01f, 0.2f, 0.999f});
  spec.seed = rng.bits();
  spec.sample_index = static_cast<uint32_t>(rng.integer(0, 3));
  spec.position = rng.bits();
  if (rng.uniform() < 0.3) {
    spec.repetition_penalty = one_of(rng, {1.0f, 1.3f, 0.8f});
    spec.presence_penalty = one_of(rng, {0.0f, 0.5f, -1.0f});
    spec.frequency_penalty = one_of(rng, {0.0f, 0.3f});
    for (const int32_t id : some_ids(rng, vocab, std::min<int64_t>(vocab, 300))) {
      const auto generated = static_cast<int32_t>(rng.integer(0, 3));
      spec.counts.push_back({id, generated, generated + static_cast<int32_t>(rng.integer(0, 2))});
    }
  }
  if (rng.uniform() < 0.3) {
    for (const int32_t id : some_ids(rng, vocab, std::min<int64_t>(vocab, 60))) {
      spec.biases.push_back({id, one_of(rng, {2.0f, -3.0f, -kInfinity, 100.0f, 3e38f})});
    }
  }
  if (rng.uniform() < 0.3) {
    spec.mask = random_mask(rng, vocab, one_of(rng, {0.0, 0.003, 0.1, 0.9}));
  }
  return spec;
}

std::vector<float> random_logits(optest::Rng& rng, int64_t vocab, ElementType type) {
  std::vector<float> logits = rounded(rng.normals(vocab, one_of(rng, {0.0, 0.01, 1.0, 3.0, 10.0})), type);
  for (const int32_t id : some_ids(rng, vocab, 6)) {
    logits[static_cast<size_t>(id)] = one_of(rng, {kNaN, -kInfinity, kInfinity, 0.0f, -0.0f, 3e38f, logits[0]});
  }
  return rounded(logits, type);
}

struct DrawCase {
  const char* name;
  ElementType type;
  int64_t vocab;
  int64_t rows;
  int64_t padding = 0;
  int64_t shift = 0;
};

const DrawCase kDrawCases[] = {
    {"one_token", kF32, 1, 10, 3},
    {"small", kF32, 67, 150, 5},
    {"small_bf16", kBf16, 96, 100},
    {"one_chunk", kF32, 4096, 50},
    {"one_chunk_and_a_token", kF32, 4097, 30, 3},
    {"three_chunks", kF32, 9001, 30, 3, 1},
    {"three_chunks_bf16", kBf16, 9001, 30, 7},
    {"four_chunks_bf16", kBf16, 16000, 20, 1, 3},
};

class CudaSampling : public testing::TestWithParam<DrawCase> {};

/// Token for token, over settings of all kinds at once.
TEST_P(CudaSampling, DrawsWhatTheCpuDraws) {
  const DrawCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  SampleBatch batch = {.type = c.type, .vocab = c.vocab, .padding = c.padding, .shift = c.shift};
  for (int64_t r = 0; r < c.rows; ++r) {
    batch.add(random_logits(rng, c.vocab, c.type), random_spec(rng, c.vocab));
  }
  const std::vector<int32_t> expected = drawn_by_cpu(batch);
  if (expected.empty()) {
    GTEST_SKIP() << "this machine has no AVX2 with fused multiply-add";
  }
  // In parts, since what the layer remembers of a launch grows with it.
  constexpr int64_t kPart = 15;
  std::vector<int32_t> actual;
  for (int64_t r = 0; r < c.rows; r += kPart) {
    const std::vector<int32_t> part = run(batch.only(r, std::min(kPart, c.rows - r))).ids;
    actual.insert(actual.end(), part.begin(), part.end());
  }
  for (size_t r = 0; r < expected.size(); ++r) {
    const RowSpec& s = batch.rows[r];
    ASSERT_EQ(expected[r], actual[r]) << "row " << r << ": temperature " << s.temperature << ", top_k " << s.top_k << ", top_p "
                                      << s.top_p << ", min_p " << s.min_p << ", mask " << !s.mask.empty() << ", biases "
                                      << s.biases.size() << ", counts " << s.counts.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaSampling, testing::ValuesIn(kDrawCases), [](const auto& info) { return info.param.name; });

/// The settings whose way differs, over chunks of several kinds: alone, in company, and with every launch that a graph has.
TEST(CudaSamplingRow, IsTheSameAloneAndInCompany) {
  optest::Rng rng(std::string_view("company"));
  SampleBatch batch = {.vocab = 8200, .padding = 1, .wants_logprobs = true, .num_top = 5};
  for (const RowSpec& spec : {RowSpec{.temperature = 0.0f}, RowSpec{.top_k = 40, .top_p = 0.9f}, RowSpec{.top_k = 256},
                              RowSpec{.top_k = 300, .top_p = 0.8f, .min_p = 0.01f}, RowSpec{}, RowSpec{.top_p = 0.9f},
                              RowSpec{.top_p = 0.99f, .min_p = 0.002f}}) {
    batch.add(rng.normals(batch.vocab, 2.0), spec);
  }
  const Sampled all = run_checked(batch);
  for (int64_t r = 0; r < batch.num_rows(); ++r) {
    SampleBatch alone = batch.only(r);
    alone.all_launches = true;
    const Sampled one = run(alone);
    const auto at = static_cast<size_t>(r);
    EXPECT_EQ(all.ids[at], one.ids[0]) << "row " << r;
    optest::expect_bits_equal(one.logprobs, std::vector<float>{all.logprobs[at]}, "log-probability");
    optest::expect_bits_equal(one.top_logprobs,
                              std::vector<float>(all.top_logprobs.begin() + r * 5, all.top_logprobs.begin() + (r + 1) * 5), "top");
  }
}

/// Equal logits fall into one bucket, which then holds more candidates than the list: the prefix ends by id alone.
TEST(CudaSamplingRow, DrawsFromEqualLogits) {
  SampleBatch batch = {.vocab = 9001};
  for (uint64_t seed = 0; seed < 6; ++seed) {
    batch.add(std::vector<float>(9001, 1.5f), {.top_k = seed % 3 == 2 ? 400 : 0, .top_p = seed % 2 == 0 ? 0.7f : 0.001f, .seed = seed});
  }
  const std::vector<int32_t> expected = drawn_by_cpu(batch);
  const std::vector<int32_t> actual = run_checked(batch).ids;
  if (!expected.empty()) {
    optest::expect_equal(actual, expected, "ids");
  }
  EXPECT_LT(actual[1], 10) << "top-p leaves the first ten ids";
}

TEST(CudaSamplingRow, TellsThatNothingIsLeft) {
  SampleBatch batch = {.vocab = 100, .wants_logprobs = true, .num_top = 2};
  for (const float temperature : {0.0f, 1.0f}) {
    RowSpec spec = {.temperature = temperature};
    spec.mask = std::vector<uint32_t>(4, 0);
    batch.add(std::vector<float>(100, 1.0f), spec);
    batch.add(std::vector<float>(100, kNaN), {.temperature = temperature, .top_k = 3});
  }
  batch.add(std::vector<float>(100, 1.0f), {});
  const Sampled result = run_checked(batch);
  for (size_t r = 0; r < 4; ++r) {
    EXPECT_EQ(-1, result.ids[r]);
    EXPECT_EQ(-1, result.top_ids[2 * r]);
    EXPECT_TRUE(std::isnan(result.logprobs[r]) && std::isnan(result.top_logprobs[2 * r]));
  }
  EXPECT_GE(result.ids[4], 0) << "other rows are drawn";
}

/// Where no log-probabilities are wanted, logits that the mask forbids may not even have been computed.
TEST(CudaSamplingRow, ReadsNoForbiddenLogits) {
  optest::Rng rng(std::string_view("forbidden"));
  for (const ElementType type : {kF32, kBf16}) {
    SampleBatch batch = {.type = type, .vocab = 6000, .hide_forbidden = true};
    for (const double share : {0.002, 0.5, 0.97}) {
      for (const RowSpec& spec : {RowSpec{.top_p = 0.95f}, RowSpec{.top_k = 20}, RowSpec{.temperature = 0.0f}}) {
        RowSpec masked = spec;
        masked.mask = random_mask(rng, batch.vocab, share);
        masked.biases = {{7, 1.0f}, {4100, -2.0f}};
        batch.add(rounded(rng.normals(batch.vocab, 2.0), type), masked);
      }
    }
    const std::vector<int32_t> expected = drawn_by_cpu(batch);
    const std::vector<int32_t> actual = run(batch).ids;
    if (!expected.empty()) {
      optest::expect_equal(actual, expected, "ids");
    }
  }
}

struct RealCase {
  const char* name;
  ElementType type;
  int64_t vocab;
  RowSpec spec;
  double share = 1.0;  // that the mask allows
};

const RealCase kRealCases[] = {
    {"ling_greedy_bf16", kBf16, 157184, {.temperature = 0.0f}},
    {"ling_top_k_f32", kF32, 157184, {.temperature = 0.8f, .top_k = 50, .top_p = 0.95f}},
    {"ling_top_p_masked_bf16", kBf16, 157184, {.top_p = 0.9f, .min_p = 0.01f}, 0.01},
    {"gemma_masked_f32", kF32, 262208, {.temperature = 0.7f}, 0.002},
};

class CudaSamplingReal : public testing::TestWithParam<RealCase> {};

TEST_P(CudaSamplingReal, DrawsWhatTheCpuDraws) {
  const RealCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  SampleBatch batch = {.type = c.type, .vocab = c.vocab};
  RowSpec spec = c.spec;
  spec.seed = 77;
  if (c.share < 1.0) {
    spec.mask = random_mask(rng, c.vocab, c.share);
    batch.hide_forbidden = true;
  }
  batch.add(rounded(rng.normals(c.vocab, 2.5), c.type), spec);
  const std::vector<int32_t> expected = drawn_by_cpu(batch);
  const std::vector<int32_t> actual = run(batch).ids;
  if (!expected.empty()) {
    optest::expect_equal(actual, expected, "ids");
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaSamplingReal, testing::ValuesIn(kRealCases),
                         [](const auto& info) { return info.param.name; });

TEST(CudaSamplingPlan, Refuses) {
  float logits[4] = {};
  int32_t ids[1] = {};
  const msc::cuda::SampleRow row = {};
  msc::cuda::SampleParams good = {};
  good.rows = 1;
  good.vocab_size = 4;
  good.logits = logits;
  good.logits_stride = 4;
  good.sample_rows = &row;
  good.ids = ids;
  EXPECT_NO_THROW(plan_sample(good, &row));
  const auto refuse = [](const auto& call, const char* part) {
    try {
      call();
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const msc::Error& error) {
      EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, error.status());
      EXPECT_NE(std::string::npos, error.text().find(part)) << error.text();
    }
  };
  const auto refuse_params = [&](auto change, const char* part) {
    msc::cuda::SampleParams params = good;
    change(params);
    refuse([&] { plan_sample(params, &row); }, part);
  };
  refuse_params([](auto& p) { p.vocab_size = 0; }, "vocab_size is 0");
  refuse_params([](auto& p) { p.vocab_size = 1 << 20; }, "vocab_size is 1048576");
  refuse_params([](auto& p) { p.rows = 0; }, "rows is 0");
  refuse_params([](auto& p) { p.rows = 2, p.logits_stride = 3; }, "logits_stride is 3");
  refuse_params([](auto& p) { p.num_top_logprobs = 5; }, "num_top_logprobs is 5");
  refuse_params([](auto& p) { p.num_top_logprobs = 1; }, "top_ids and top_logprobs");
  refuse_params([](auto& p) { p.ids = nullptr; }, "ids");
  const auto refuse_row = [&](const RowSpec& spec, const char* part) {
    refuse([&] { msc::cuda::make_sample_row(spec.row(), 4, {}); }, part);
  };
  EXPECT_NO_THROW(msc::cuda::make_sample_row(RowSpec{}.row(), 4, {}));
  refuse_row({.temperature = kNaN}, "temperature");
  refuse_row({.top_k = -1}, "top_k is -1");
  refuse_row({.top_p = 0.0f}, "top_p is 0");
  refuse_row({.min_p = 1.0f}, "min_p is 1");
  refuse_row({.repetition_penalty = 0.0f}, "repetition_penalty");
  refuse_row({.presence_penalty = kInfinity}, "presence_penalty");
  refuse_row({.frequency_penalty = kNaN}, "frequency_penalty");
  refuse_row({.biases = {{0, 1.0f}}}, "biases is NULL");
  refuse_row({.presence_penalty = 1.0f, .counts = {{0, 1, 1}}}, "counts is NULL");
  refuse_row({.mask = {1}}, "mask is NULL");
}

}  // namespace
}  // namespace cuda_ops
