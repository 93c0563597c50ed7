#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "cpu/router/router.h"
#include "cuda/router/router.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::RouterGroupRule;
using msc::cuda::RouterLogitsParams;
using msc::cuda::RouterParams;
using msc::cuda::RouterScore;
using Ids = cuda_on_cpu::Array<int32_t>;

struct LogitsCase {
  const char* name;
  ElementType input;
  ElementType weight;
  int64_t tokens;
  int64_t experts;
  int64_t cols;
  int64_t padding = 0;
};

const LogitsCase kLogitsCases[] = {
    {"one", kF32, kF32, 1, 1, 1},
    {"odd", kF32, kF32, 5, 7, 37, 3},
    {"odd_bf16", kBf16, kF32, 3, 6, 100, 1},
    {"packed_f32", kF32, kBf16, 4, 5, 256, 8},
    {"ling_mini", kBf16, kF32, 2, 64, 2048},
    {"hidden_4096_bf16", kBf16, kBf16, 6, 16, 4096},
};

class CudaRouterLogits : public testing::TestWithParam<LogitsCase> {};

TEST_P(CudaRouterLogits, MatchesReference) {
  const LogitsCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const std::vector<float> input = rounded(rng.normals(c.tokens * c.cols), c.input);
  const std::vector<float> weight = rounded(rng.normals(c.experts * c.cols, 0.05), c.weight);
  const auto run = [&](int64_t first, int64_t tokens, int64_t shift) {
    const std::vector<float> part(input.begin() + first * c.cols, input.begin() + (first + tokens) * c.cols);
    const Tensor x("input", c.input, tokens, c.cols, part, c.padding, shift);
    const Tensor w("weight", c.weight, c.experts, c.cols, weight, c.padding);
    const Tensor out("logits", kF32, tokens, c.experts, 1);
    const RouterLogitsParams params = {c.input,    c.weight, tokens,     c.experts, c.cols, x.data(),
                                       x.stride(), w.data(), w.stride(), static_cast<float*>(out.data()), out.stride()};
    launch_router_logits(params, plan_router_logits(params), nullptr);
    out.expect_written();
    return out.values();
  };
  const std::vector<float> out = run_both_ways("router_logits_kernel", [&] { return run(0, c.tokens, 0); });
  std::vector<float> expected;
  for (int64_t t = 0; t < c.tokens; ++t) {
    for (int64_t e = 0; e < c.experts; ++e) {
      double sum = 0;
      for (int64_t k = 0; k < c.cols; ++k) {
        sum += static_cast<double>(weight[static_cast<size_t>(e * c.cols + k)]) *
               static_cast<double>(input[static_cast<size_t>(t * c.cols + k)]);
      }
      expected.push_back(static_cast<float>(sum));
    }
  }
  optest::expect_nmse(out, expected, 1e-12, "logits");
  const std::vector<float> last(out.end() - c.experts, out.end());
  optest::expect_bits_equal(run(c.tokens - 1, 1, 0), last, "the last token alone");
  optest::expect_bits_equal(run(c.tokens - 1, 1, 1), last, "read one by one");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaRouterLogits, testing::ValuesIn(kLogitsCases),
                         [](const auto& info) { return info.param.name; });

struct RouterCase {
  const char* name;
  RouterScore score;
  int64_t tokens;
  int64_t experts;
  int64_t top_k;
  int64_t groups = 0;
  int64_t kept = 0;
  RouterGroupRule group_rule = RouterGroupRule::kTop2Sum;
  bool bias = false;
  bool selection_bias = false;
  bool normalise = true;
  double steps = 0;  // logits are multiples of 1 / steps: many ties
};

const RouterCase kCases[] = {
    {.name = "one", .score = RouterScore::kSoftmax, .tokens = 1, .experts = 1, .top_k = 1},
    {.name = "all", .score = RouterScore::kSoftmax, .tokens = 3, .experts = 37, .top_k = 37, .normalise = false},
    {.name = "mixtral", .score = RouterScore::kSoftmaxOfChosen, .tokens = 5, .experts = 8, .top_k = 2},
    {.name = "gpt_oss", .score = RouterScore::kSoftmaxOfChosen, .tokens = 2, .experts = 128, .top_k = 4, .bias = true, .normalise = false},
    {.name = "qwen3", .score = RouterScore::kSoftmax, .tokens = 4, .experts = 128, .top_k = 8},
    {.name = "deepseek_v2", .score = RouterScore::kSoftmax, .tokens = 3, .experts = 160, .top_k = 6, .groups = 8, .kept = 3,
     .group_rule = RouterGroupRule::kMax, .normalise = false},
    {.name = "ling", .score = RouterScore::kSigmoid, .tokens = 9, .experts = 256, .top_k = 8, .groups = 8, .kept = 4, .selection_bias = true},
    {.name = "experts_512", .score = RouterScore::kSoftmax, .tokens = 2, .experts = 512, .top_k = 10},
    {.name = "small_groups", .score = RouterScore::kSigmoid, .tokens = 4, .experts = 120, .top_k = 12, .groups = 40, .kept = 7, .selection_bias = true},
    {.name = "ties", .score = RouterScore::kSigmoid, .tokens = 6, .experts = 256, .top_k = 8, .groups = 8, .kept = 4, .steps = 1},
    {.name = "ties_softmax", .score = RouterScore::kSoftmaxOfChosen, .tokens = 6, .experts = 100, .top_k = 40, .steps = 2},
    {.name = "all_equal", .score = RouterScore::kSoftmax, .tokens = 2, .experts = 64, .top_k = 5, .groups = 4, .kept = 2, .steps = 1e-9},
};

struct Choices {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

struct RouterData {
  std::vector<float> logits, bias, selection_bias;
  std::vector<int32_t> forced;
};

RouterParams params_of(const RouterCase& c) {
  RouterParams params = {};
  params.score = c.score;
  params.group_rule = c.group_rule;
  params.tokens = c.tokens;
  params.num_experts = c.experts;
  params.num_groups = c.groups;
  params.kept_groups = c.kept;
  params.top_k = c.top_k;
  params.normalise = c.normalise;
  params.norm_eps = 1e-20f;
  params.scale = 2.5f;
  return params;
}

Choices run(const RouterCase& c, const RouterData& data, int64_t first, int64_t tokens) {
  const Tensor logits("logits", kF32, tokens, c.experts,
                      {data.logits.begin() + first * c.experts, data.logits.begin() + (first + tokens) * c.experts}, 3);
  const Tensor bias("bias", kF32, 1, c.experts, data.bias);
  const Tensor selection("selection_bias", kF32, 1, c.experts, data.selection_bias);
  const Tensor weights("weights", kF32, tokens, c.top_k, 1);
  const Ids ids("ids", static_cast<size_t>(tokens * c.top_k));
  std::vector<int32_t> forced_part(static_cast<size_t>(tokens * c.top_k));
  if (!data.forced.empty()) {
    std::copy_n(data.forced.begin() + first * c.top_k, tokens * c.top_k, forced_part.begin());
  }
  const Ids forced("forced", forced_part);
  RouterParams params = params_of(c);
  params.tokens = tokens;
  params.logits = static_cast<const float*>(logits.data());
  params.logits_stride = logits.stride();
  params.bias = c.bias ? static_cast<const float*>(bias.data()) : nullptr;
  params.selection_bias = c.selection_bias ? static_cast<const float*>(selection.data()) : nullptr;
  params.forced_ids = data.forced.empty() ? nullptr : forced.data();
  params.forced_stride = c.top_k;
  params.ids = ids.data();
  params.ids_stride = c.top_k;
  params.weights = static_cast<float*>(weights.data());
  params.weights_stride = weights.stride();
  launch_router(params, plan_router(params), nullptr);
  weights.expect_written();
  return {ids.values(), weights.values()};
}

/// Both orders of turns; ids as floats, since those are what is compared bit by bit.
Choices run_all(const RouterCase& c, const RouterData& data) {
  Choices result;
  run_both_ways("router_kernel", [&] {
    result = run(c, data, 0, c.tokens);
    std::vector<float> all(result.ids.begin(), result.ids.end());
    all.insert(all.end(), result.weights.begin(), result.weights.end());
    return all;
  });
  return result;
}

/// The CPU op, which fixes the meaning.
Choices reference(const RouterCase& c, const RouterData& data) {
  msc::cpu::RouterRule rule = {};
  rule.score = c.score == RouterScore::kSoftmax   ? MSC_ROUTER_SCORE_SOFTMAX
               : c.score == RouterScore::kSigmoid ? MSC_ROUTER_SCORE_SIGMOID
                                                  : MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN;
  rule.group_rule = c.group_rule == RouterGroupRule::kMax ? MSC_ROUTER_GROUP_RULE_MAX : MSC_ROUTER_GROUP_RULE_TOP2_SUM;
  rule.num_experts = c.experts;
  rule.num_groups = c.groups > 1 ? c.groups : 1;
  rule.kept_groups = c.groups > 1 ? c.kept : 1;
  rule.top_k = c.top_k;
  rule.normalise = c.normalise;
  rule.norm_eps = 1e-20f;
  rule.scale = 2.5f;
  rule.selection_bias = c.selection_bias ? data.selection_bias.data() : nullptr;
  std::vector<float> scratch(static_cast<size_t>(msc::cpu::router_scratch_floats(rule)));
  Choices result;
  result.ids.resize(static_cast<size_t>(c.tokens * c.top_k));
  result.weights.resize(result.ids.size());
  for (int64_t t = 0; t < c.tokens; ++t) {
    std::vector<float> row(data.logits.begin() + t * c.experts, data.logits.begin() + (t + 1) * c.experts);
    for (int64_t e = 0; c.bias && e < c.experts; ++e) {
      row[static_cast<size_t>(e)] += data.bias[static_cast<size_t>(e)];
    }
    msc::cpu::route_row(msc::cpu::router_scores_portable, rule, row.data(),
                        data.forced.empty() ? nullptr : data.forced.data() + t * c.top_k, result.ids.data() + t * c.top_k,
                        result.weights.data() + t * c.top_k, scratch.data());
  }
  return result;
}

RouterData data_of(const RouterCase& c) {
  optest::Rng rng(std::string_view(c.name));
  RouterData data = {rng.normals(c.tokens * c.experts, 2.0), rng.normals(c.experts), rng.normals(c.experts, 0.3), {}};
  for (float& logit : data.logits) {
    logit = c.steps == 0 ? logit : static_cast<float>(std::nearbyint(static_cast<double>(logit) * c.steps) / c.steps);
  }
  return data;
}

class CudaRouter : public testing::TestWithParam<RouterCase> {};

TEST_P(CudaRouter, MatchesTheCpuOp) {
  const RouterCase& c = GetParam();
  const RouterData data = data_of(c);
  const Choices actual = run_all(c, data);
  const Choices expected = reference(c, data);
  optest::expect_equal(actual.ids, expected.ids, "ids");
  optest::expect_nmse(actual.weights, expected.weights, 1e-12, "weights");
  const Choices alone = run(c, data, c.tokens - 1, 1);
  optest::expect_equal(alone.ids, std::vector<int32_t>(actual.ids.end() - c.top_k, actual.ids.end()), "the last token alone");
  optest::expect_bits_equal(alone.weights, std::vector<float>(actual.weights.end() - c.top_k, actual.weights.end()),
                            "weights of the last token alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaRouter, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

TEST(CudaRouterEdges, LogitsThatAreNotNumbersAreChosenLast) {
  const float nan = std::nanf("");
  const float inf = std::numeric_limits<float>::infinity();
  RouterCase c = {.name = "nan", .score = RouterScore::kSigmoid, .tokens = 3, .experts = 6, .top_k = 4, .normalise = false};
  RouterData data = data_of(c);
  data.logits = {nan, 1, nan, 0, -inf, 2, nan, nan, nan, nan, nan, nan, -inf, inf, nan, -inf, 3, -inf};
  const Choices actual = run_all(c, data);
  const Choices expected = reference(c, data);
  optest::expect_equal(actual.ids, expected.ids, "ids");
  EXPECT_EQ((std::vector<int32_t>{5, 1, 3, 4, 0, 1, 2, 3, 1, 4, 0, 3}), actual.ids);
  for (size_t i = 0; i < actual.weights.size(); ++i) {
    EXPECT_EQ(std::isnan(expected.weights[i]), std::isnan(actual.weights[i])) << i;
  }
  c.score = RouterScore::kSoftmax;  // one NaN makes all of them
  optest::expect_equal(run_all(c, data).ids, reference(c, data).ids, "ids by softmax");
}

TEST(CudaRouterEdges, ForcedChoicesAreWeighed) {
  for (const RouterScore score : {RouterScore::kSoftmax, RouterScore::kSigmoid, RouterScore::kSoftmaxOfChosen}) {
    const RouterCase c = {.name = "forced", .score = score, .tokens = 3, .experts = 40, .top_k = 3};
    RouterData data = data_of(c);
    data.forced = {39, 0, 7, 5, -1, 6, -1, -1, -1};
    const Choices actual = run_all(c, data);
    const Choices expected = reference(c, data);
    optest::expect_equal(actual.ids, data.forced, "ids");
    optest::expect_nmse(actual.weights, expected.weights, 1e-12, "weights");
    EXPECT_EQ(0.0f, actual.weights[4]);
  }
  const RouterCase c = {.name = "outside", .score = RouterScore::kSoftmax, .tokens = 1, .experts = 40, .top_k = 3};
  RouterData data = data_of(c);
  data.forced = {40, 3, -2};
  const Choices actual = run(c, data, 0, 1);
  EXPECT_TRUE(std::isnan(actual.weights[0]) && std::isnan(actual.weights[2])) << "ids outside the experts";
  EXPECT_FLOAT_EQ(2.5f, actual.weights[1]);
}

TEST(CudaRouterPlan, Refuses) {
  float x[4] = {};
  int32_t ids[4] = {};
  RouterParams good = params_of({.name = "", .score = RouterScore::kSigmoid, .tokens = 1, .experts = 64, .top_k = 4, .groups = 8, .kept = 2});
  good.logits = x;
  good.ids = ids;
  good.weights = x;
  const auto refuse = refusals(good, [](const auto& params) { plan_router(params); });
  refuse([](RouterParams& p) { p.num_experts = 513; }, "num_experts is 513");
  refuse([](RouterParams& p) { p.tokens = 0; }, "tokens is 0");
  refuse([](RouterParams& p) { p.top_k = 0; }, "top_k is 0");
  refuse([](RouterParams& p) { p.top_k = 65; }, "top_k is 65");
  refuse([](RouterParams& p) { p.top_k = 17; }, "hold only 16 experts");
  refuse([](RouterParams& p) { p.num_groups = -1; }, "num_groups is -1");
  refuse([](RouterParams& p) { p.num_groups = 7; }, "must divide the 64 experts");
  refuse([](RouterParams& p) { p.num_groups = 64; }, "no two scores to sum");
  refuse([](RouterParams& p) { p.kept_groups = 9; }, "kept_groups is 9");
  refuse([](RouterParams& p) { p.norm_eps = -1.0f; }, "norm_eps is -1");
  refuse([](RouterParams& p) { p.scale = std::numeric_limits<float>::infinity(); }, "scale is inf");
  refuse([](RouterParams& p) { p.ids = nullptr; }, "ids");
  EXPECT_THROW(plan_router_logits(RouterLogitsParams{kF32, kF32, 1, 513, 8, x, 8, x, 8, x, 513}), msc::Error);
  EXPECT_THROW(plan_router_logits(RouterLogitsParams{kF32, kF32, 0, 8, 8, x, 8, x, 8, x, 8}), msc::Error);
}

}  // namespace
}  // namespace cuda_ops
