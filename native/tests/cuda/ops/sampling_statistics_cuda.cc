// What sampling reports and how often it draws what, against references in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "tests/cuda/layer/array.h"
#include "tests/cuda/ops/sampling_rig.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using optest::RowSpec;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct FilterCase {
  const char* name;
  RowSpec spec;
};

const FilterCase kFilterCases[] = {
    {"temperature", {.temperature = 2.0f}},
    {"top_k", {.temperature = 2.0f, .top_k = 7}},
    {"top_p", {.temperature = 1.5f, .top_p = 0.8f}},
    {"min_p", {.temperature = 2.0f, .min_p = 0.2f}},
    {"edited",
     {.repetition_penalty = 1.7f,
      .presence_penalty = 0.5f,
      .frequency_penalty = 0.3f,
      .counts = {{0, 0, 2}, {3, 1, 1}, {4, 5, 9}, {60, 0, 0}},
      .biases = {{2, 3.0f}, {5, -100.0f}, {6, -kInfinity}},
      .mask = {0xFFF3FFFFu, 0xFFFFFF0Fu, 0x7u}}},
};

class CudaSamplingChances : public testing::TestWithParam<FilterCase> {};

/// 99.99% point of the chi-square distribution (Wilson and Hilferty 1931).
double chi_square_limit(double degrees) {
  const double a = 2.0 / (9.0 * degrees);
  return degrees * std::pow(1.0 - a + 3.719 * std::sqrt(a), 3.0);
}

TEST_P(CudaSamplingChances, MatchReference) {
  constexpr int kDraws = 120;
  constexpr int64_t kVocab = 67;
  optest::Rng rng(std::string_view(GetParam().name));
  const std::vector<float> logits = rng.normals(kVocab, 2.0);
  const std::vector<double> expected = reference_distribution(logits, GetParam().spec);
  std::vector<double> counts(static_cast<size_t>(kVocab), 0);
  for (int part = 0; part < kDraws / 15; ++part) {
    SampleBatch batch = {.vocab = kVocab};
    for (int i = 0; i < 15; ++i) {
      RowSpec spec = GetParam().spec;
      spec.seed = 0x123456789abcdefu;
      spec.sample_index = static_cast<uint32_t>(i % 3);
      spec.position = (uint64_t{3} << 31) + static_cast<uint64_t>(part * 5 + i / 3);
      batch.add(logits, spec);
    }
    for (const int32_t id : run(batch).ids) {
      ASSERT_TRUE(id >= 0 && id < kVocab);
      ASSERT_GT(expected[static_cast<size_t>(id)], 0) << "token " << id << " was filtered out";
      ++counts[static_cast<size_t>(id)];
    }
  }
  double statistic = 0, rest_expected = 0, rest_count = 0, degrees = -1;
  for (size_t i = 0; i <= expected.size(); ++i) {
    const bool is_rest = i == expected.size();
    const double want = is_rest ? rest_expected : expected[i] * kDraws;
    const double have = is_rest ? rest_count : counts[i];
    if (want >= (is_rest ? 1 : 5)) {
      statistic += (have - want) * (have - want) / want;
      ++degrees;
    } else if (!is_rest) {
      rest_expected += want;
      rest_count += have;
    }
  }
  ASSERT_GE(degrees, 2);
  EXPECT_LT(statistic, chi_square_limit(degrees)) << degrees << " degrees of freedom";
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaSamplingChances, testing::ValuesIn(kFilterCases),
                         [](const auto& info) { return info.param.name; });

/// Log-probabilities are those of the logits as they came, whatever the row does to them.
TEST(CudaSamplingReport, MatchesReference) {
  constexpr int kTop = 20;
  optest::Rng rng(std::string_view("report"));
  for (const ElementType type : {kF32, kBf16}) {
    SampleBatch batch = {.type = type, .vocab = 9001, .padding = 3, .wants_logprobs = true, .num_top = kTop};
    batch.add(rounded(rng.normals(9001, 3.0), type), {.top_p = 0.9f, .biases = {{17, 5.0f}}});
    std::vector<float> few(9001, -kInfinity);
    few[2] = 1.0f;
    few[8999] = 2.0f;
    few[5] = std::numeric_limits<float>::quiet_NaN();
    batch.add(few, {.temperature = 0.0f});
    batch.add(std::vector<float>(9001, 0.25f), {.top_k = 3, .mask = random_mask(rng, 9001, 0.1)});
    // The mask's tokens count in the log-probabilities and are not drawn.
    for (const RowSpec& spec : {RowSpec{.temperature = 0.0f}, RowSpec{.top_k = 20}, RowSpec{.top_p = 0.95f}}) {
      RowSpec masked = spec;
      masked.mask = random_mask(rng, 9001, 0.01);
      batch.add(rounded(rng.normals(9001, 1.0), type), masked);
    }
    const Sampled result = run_checked(batch);
    if (const std::vector<int32_t> drawn = drawn_by_cpu(batch); !drawn.empty()) {
      optest::expect_equal(result.ids, drawn, "ids");
    }
    for (int64_t r = 0; r < batch.num_rows(); ++r) {
      const std::vector<float> logits = batch.row(r);
      const std::vector<double> expected = optest::reference_logprobs(logits);
      std::vector<int32_t> order(logits.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return expected[static_cast<size_t>(a)] > expected[static_cast<size_t>(b)]; });
      const auto id = static_cast<size_t>(result.ids[static_cast<size_t>(r)]);
      EXPECT_NEAR(static_cast<double>(result.logprobs[static_cast<size_t>(r)]), expected[id], 1e-5) << "row " << r;
      for (int i = 0; i < kTop; ++i) {
        const auto at = static_cast<size_t>(r * kTop + i);
        const int32_t want = order[static_cast<size_t>(i)];
        ASSERT_EQ(want, result.top_ids[at]) << "row " << r << ", place " << i;
        const double logprob = expected[static_cast<size_t>(want)];
        if (std::isinf(logprob)) {
          ASSERT_EQ(-kInfinity, result.top_logprobs[at]);
        } else {
          ASSERT_NEAR(logprob, static_cast<double>(result.top_logprobs[at]), 1e-5) << "row " << r << ", place " << i;
        }
      }
    }
    EXPECT_EQ(8999, result.ids[1]);
  }
}

TEST(CudaTokenLogprobs, MatchReference) {
  optest::Rng rng(std::string_view("token_logprobs"));
  for (const ElementType type : {kF32, kBf16}) {
    for (const int64_t vocab : {1, 7, 4096, 10001}) {
      constexpr int64_t kRows = 4;
      const std::vector<float> values = rounded(rng.normals(kRows * vocab, 4.0), type);
      const std::vector<int32_t> targets = {0, static_cast<int32_t>(vocab - 1), static_cast<int32_t>(vocab / 2), -1};
      const std::vector<float> actual = run_both_ways("token_logprobs_kernel", [&] {
        const Tensor logits("logits", type, kRows, vocab, values, 3);
        const cuda_on_cpu::Array<int32_t> device_targets("targets", targets);
        const cuda_on_cpu::Array<float> logprobs("logprobs", size_t{kRows});
        msc::cuda::TokenLogprobsParams params = {type, kRows, vocab, logits.data(), logits.stride(), device_targets.data(),
                                                 logprobs.data(), nullptr};
        const msc::cuda::TokenLogprobsPlan plan = plan_token_logprobs(params);
        const cuda_on_cpu::Array<uint8_t> scratch("scratch", plan.scratch_bytes);
        params.scratch = scratch.data();
        launch_token_logprobs(params, plan, nullptr);
        return logprobs.values();
      });
      for (int64_t r = 0; r + 1 < kRows; ++r) {
        const std::vector<double> expected =
            optest::reference_logprobs(std::vector<float>(values.begin() + r * vocab, values.begin() + (r + 1) * vocab));
        EXPECT_NEAR(expected[static_cast<size_t>(targets[static_cast<size_t>(r)])],
                    static_cast<double>(actual[static_cast<size_t>(r)]), 1e-5);
      }
      EXPECT_TRUE(std::isnan(actual[3])) << "a target that is no token";
    }
  }
  msc::cuda::TokenLogprobsParams params = {};
  EXPECT_THROW(plan_token_logprobs(params), msc::Error);
}

}  // namespace
}  // namespace cuda_ops
