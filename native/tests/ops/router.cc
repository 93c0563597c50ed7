#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "moesaic/moe.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

struct RouterShape {
  const char* name;
  int64_t experts;
  int64_t hidden;
  int32_t score;
  int32_t top_k;
  int32_t groups = 1;
  int32_t kept_groups = 1;
  int32_t group_rule = MSC_ROUTER_GROUP_RULE_TOP2_SUM;
  bool normalise = true;
  float norm_eps = 0.0f;
  float scale = 1.0f;
  bool bias = false;
  bool selection_bias = false;
  int32_t format = MSC_FORMAT_F32;
};

struct Choice {
  std::vector<int32_t> ids;
  std::vector<double> weights;
  double margin;  // between the last choice and the best expert left out, and between groups
};

/// The formulas of msc_router_params by full sorts, in double.
Choice reference_choice(const std::vector<double>& z, const RouterShape& shape, const std::vector<float>& selection_bias) {
  const auto experts = static_cast<size_t>(shape.experts);
  std::vector<double> p = z;
  if (shape.score == MSC_ROUTER_SCORE_SIGMOID) {
    std::transform(z.begin(), z.end(), p.begin(), [](double x) { return 1.0 / (1.0 + std::exp(-x)); });
  } else if (shape.score == MSC_ROUTER_SCORE_SOFTMAX) {
    double sum = 0;
    for (const double x : z) {
      sum += std::exp(x);
    }
    std::transform(z.begin(), z.end(), p.begin(), [=](double x) { return std::exp(x) / sum; });
  }
  std::vector<double> s = p;
  for (size_t e = 0; e < experts && shape.selection_bias; ++e) {
    s[e] += static_cast<double>(selection_bias[e]);
  }
  Choice choice = {{}, {}, std::numeric_limits<double>::infinity()};
  const auto best = [&](const std::vector<double>& values, size_t count) {
    std::vector<int32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
    });
    for (size_t i = 0; i < count && i + 1 < order.size(); ++i) {
      choice.margin = std::min(choice.margin, values[static_cast<size_t>(order[i])] - values[static_cast<size_t>(order[i + 1])]);
    }
    order.resize(count);
    return order;
  };
  if (shape.groups > 1) {
    const size_t size = experts / static_cast<size_t>(shape.groups);
    std::vector<double> group_scores;
    for (size_t g = 0; g < static_cast<size_t>(shape.groups); ++g) {
      std::vector<double> members(s.begin() + static_cast<std::ptrdiff_t>(g * size),
                                  s.begin() + static_cast<std::ptrdiff_t>((g + 1) * size));
      std::sort(members.rbegin(), members.rend());
      group_scores.push_back(shape.group_rule == MSC_ROUTER_GROUP_RULE_MAX ? members[0] : members[0] + members[1]);
    }
    const std::vector<int32_t> kept = best(group_scores, static_cast<size_t>(shape.kept_groups));
    for (size_t e = 0; e < experts; ++e) {
      if (std::find(kept.begin(), kept.end(), static_cast<int32_t>(e / size)) == kept.end()) {
        s[e] = -std::numeric_limits<double>::infinity();
      }
    }
  }
  choice.ids = best(s, static_cast<size_t>(shape.top_k));
  double sum = 0;
  for (const int32_t id : choice.ids) {
    const double weight = p[static_cast<size_t>(id)];
    choice.weights.push_back(shape.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN ? std::exp(weight) : weight);
    sum += choice.weights.back();
  }
  for (double& weight : choice.weights) {
    if (shape.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN) {
      weight /= sum;
    } else if (shape.normalise) {
      weight /= sum + static_cast<double>(shape.norm_eps);
    }
    weight *= static_cast<double>(shape.scale);
  }
  return choice;
}

msc_router_params params_of(const RouterShape& shape) {
  msc_router_params params = {};
  params.struct_size = sizeof params;
  params.score = shape.score;
  params.group_rule = shape.group_rule;
  params.num_groups = shape.groups;
  params.kept_groups = shape.kept_groups;
  params.top_k = shape.top_k;
  params.normalise = shape.normalise ? 1 : 0;
  params.norm_eps = shape.norm_eps;
  params.scale = shape.scale;
  return params;
}

void check_router(Session& session, const RouterShape& shape) {
  constexpr int64_t kRows = 21;
  const std::vector<float> x = session.rng().normals(kRows * shape.hidden);
  const TestWeight weight = make_float_weight(session, shape.format, shape.experts, shape.hidden,
                                              session.rng().normals(shape.experts * shape.hidden,
                                                                    2.0 / std::sqrt(static_cast<double>(shape.hidden))));
  const std::vector<float> bias = session.rng().normals(shape.experts, 0.5);
  const std::vector<float> selection_bias = session.rng().normals(shape.experts, 0.3);
  msc_router_params params = params_of(shape);
  params.weight = weight.handle;
  params.input = session.input("input", kRows, shape.hidden, x, {.row_padding = 3});
  if (shape.bias) {
    params.bias = session.input("bias", 1, shape.experts, bias);
  }
  if (shape.selection_bias) {
    params.selection_bias = session.input("selection_bias", 1, shape.experts, selection_bias, {.shift = 1});
  }
  GuardedTensor& ids = session.output("ids", kRows, shape.top_k, {.row_padding = 1}, MSC_FORMAT_I32);
  GuardedTensor& weights = session.output("weights", kRows, shape.top_k, {.row_padding = 2});
  params.ids = ids;
  params.weights = weights;
  session.run([&] { return msc_op_router(session.stream(), &params); });

  const std::vector<int32_t> actual_ids = ids.ints();
  const std::vector<float> actual_weights = weights.floats();
  int64_t clear_rows = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    std::vector<double> z;
    for (int64_t e = 0; e < shape.experts; ++e) {
      double sum = shape.bias ? static_cast<double>(bias[static_cast<size_t>(e)]) : 0.0;
      for (int64_t i = 0; i < shape.hidden; ++i) {
        sum += static_cast<double>(x[static_cast<size_t>(r * shape.hidden + i)]) *
               static_cast<double>(weight.values[static_cast<size_t>(e * shape.hidden + i)]);
      }
      z.push_back(sum);
    }
    const Choice expected = reference_choice(z, shape, selection_bias);
    if (expected.margin < 1e-5) {
      continue;  // float32 may order these either way
    }
    ++clear_rows;
    for (size_t k = 0; k < static_cast<size_t>(shape.top_k); ++k) {
      const size_t at = static_cast<size_t>(r * shape.top_k) + k;
      EXPECT_EQ(actual_ids[at], expected.ids[k]) << "row " << r << ", choice " << k;
      EXPECT_NEAR(static_cast<double>(actual_weights[at]), expected.weights[k], 2e-5 * std::fabs(expected.weights[k]) + 1e-7);
    }
  }
  EXPECT_GE(clear_rows, 10);

  // A row alone, with its own choices replayed: same ids, same bits of the weights.
  params.input = session.input("one", 1, shape.hidden, std::vector<float>(x.end() - shape.hidden, x.end()));
  params.forced_ids =
      session.input("forced", 1, shape.top_k, std::vector<int32_t>(actual_ids.end() - shape.top_k, actual_ids.end()));
  GuardedTensor& one_ids = session.output("one_ids", 1, shape.top_k, {}, MSC_FORMAT_I32);
  GuardedTensor& one_weights = session.output("one_weights", 1, shape.top_k);
  params.ids = one_ids;
  params.weights = one_weights;
  session.run([&] { return msc_op_router(session.stream(), &params); });
  expect_equal(one_ids.ints(), std::vector<int32_t>(actual_ids.end() - shape.top_k, actual_ids.end()), "replayed ids");
  expect_bits_equal(one_weights.floats(), std::vector<float>(actual_weights.end() - shape.top_k, actual_weights.end()),
                    "replayed weights");
}

/// Ties go to the lowest index; rows of NaN, infinities and bans still give valid, distinct ids.
void check_odd_rows(Session& session, int32_t score, int32_t groups) {
  constexpr int64_t kExperts = 16;
  constexpr int32_t kTop = 5;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  // The identity, so that logits are the inputs.
  std::vector<float> identity(kExperts * kExperts, 0.0f);
  for (size_t e = 0; e < kExperts; ++e) {
    identity[e * kExperts + e] = 1.0f;
  }
  const TestWeight weight = make_float_weight(session, MSC_FORMAT_F32, kExperts, kExperts, identity);
  std::vector<float> x(3 * kExperts, 0.25f);
  std::fill(x.begin() + kExperts, x.begin() + 2 * kExperts, nan);
  x[2 * kExperts + 7] = std::numeric_limits<float>::infinity();
  RouterShape shape = {"", kExperts, kExperts, score, kTop};
  shape.groups = groups;
  shape.kept_groups = 2;
  msc_router_params params = params_of(shape);
  params.weight = weight.handle;
  params.input = session.input("input", 3, kExperts, x);
  GuardedTensor& ids = session.output("ids", 3, kTop, {}, MSC_FORMAT_I32);
  params.ids = ids;
  params.weights = session.output("weights", 3, kTop);
  session.run([&] { return msc_op_router(session.stream(), &params); });
  const std::vector<int32_t> actual = ids.ints();
  EXPECT_EQ(std::vector<int32_t>(actual.begin(), actual.begin() + kTop), (std::vector<int32_t>{0, 1, 2, 3, 4}));
  for (size_t r = 0; r < 3; ++r) {
    std::vector<int32_t> row(actual.begin() + static_cast<std::ptrdiff_t>(r * kTop),
                             actual.begin() + static_cast<std::ptrdiff_t>((r + 1) * kTop));
    std::sort(row.begin(), row.end());
    EXPECT_EQ(std::adjacent_find(row.begin(), row.end()), row.end());
    EXPECT_GE(row.front(), 0);
    EXPECT_LT(row.back(), kExperts);
  }
}

void check_refusals(Session& session) {
  const RouterShape shape = {"", 12, 8, MSC_ROUTER_SCORE_SIGMOID, 3, 4, 2};
  const TestWeight weight = make_float_weight(session, MSC_FORMAT_F32, 12, 8, session.rng().normals(96));
  msc_router_params good = params_of(shape);
  good.weight = weight.handle;
  good.input = session.input("input", 2, 8, session.rng().normals(16));
  good.ids = session.output("ids", 2, 3, {}, MSC_FORMAT_I32);
  good.weights = session.output("weights", 2, 3);
  const auto refuse = [&](const msc_router_params& bad, const char* part) {
    session.run_refused([&] { return msc_op_router(session.stream(), &bad); }, MSC_STATUS_BAD_ARGUMENT, {part});
  };
  msc_router_params bad = good;
  bad.top_k = 13;
  refuse(bad, "top_k is 13");
  bad = good;
  bad.top_k = 0;
  refuse(bad, "top_k is 0");
  bad = good;
  bad.num_groups = 5;
  refuse(bad, "num_groups is 5");
  bad = good;
  bad.kept_groups = 5;
  refuse(bad, "kept_groups is 5");
  bad = good;
  bad.kept_groups = 1;
  bad.top_k = 4;
  refuse(bad, "hold only 3");
  bad = good;
  bad.score = 0;
  refuse(bad, "score is 0");
  bad = good;
  bad.norm_eps = -1.0f;
  refuse(bad, "norm_eps is -1");
  bad = good;
  bad.weight = nullptr;
  refuse(bad, "weight is NULL");
  bad = good;
  bad.forced_ids = session.input("beyond", 2, 3, std::vector<int32_t>{0, 1, 2, 3, 4, 12});
  refuse(bad, "forced_ids[1, 2] is 12");
  bad.forced_ids = session.input("twice", 2, 3, std::vector<int32_t>{0, 1, 0, 3, 4, 5});
  refuse(bad, "expert 0 twice");
}

OP_CASES(router) {
  const RouterShape shapes[] = {
      {.name = "ling_mini", .experts = 256, .hidden = 128, .score = MSC_ROUTER_SCORE_SIGMOID, .top_k = 8, .groups = 8,
       .kept_groups = 4, .norm_eps = 1e-20f, .scale = 2.5f, .selection_bias = true},
      {.name = "dots", .experts = 128, .hidden = 96, .score = MSC_ROUTER_SCORE_SIGMOID, .top_k = 6, .groups = 0,
       .norm_eps = 1e-20f, .scale = 2.5f, .selection_bias = true, .format = MSC_FORMAT_BF16},
      {.name = "deepseek_v2", .experts = 160, .hidden = 64, .score = MSC_ROUTER_SCORE_SOFTMAX, .top_k = 6, .groups = 8,
       .kept_groups = 3, .group_rule = MSC_ROUTER_GROUP_RULE_MAX, .normalise = false, .scale = 16.0f},
      {.name = "mixtral", .experts = 8, .hidden = 100, .score = MSC_ROUTER_SCORE_SOFTMAX, .top_k = 2},
      {.name = "qwen3_moe", .experts = 128, .hidden = 64, .score = MSC_ROUTER_SCORE_SOFTMAX, .top_k = 8,
       .format = MSC_FORMAT_F16},
      {.name = "olmoe", .experts = 64, .hidden = 64, .score = MSC_ROUTER_SCORE_SOFTMAX, .top_k = 8, .normalise = false},
      {.name = "gpt_oss", .experts = 32, .hidden = 72, .score = MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN, .top_k = 4,
       .normalise = false, .bias = true},
      {.name = "all_chosen", .experts = 5, .hidden = 16, .score = MSC_ROUTER_SCORE_SIGMOID, .top_k = 5},
  };
  for (const RouterShape& shape : shapes) {
    add_case("router", shape.name, [=](Session& session) { check_router(session, shape); });
  }
  for (const int32_t score :
       {MSC_ROUTER_SCORE_SOFTMAX, MSC_ROUTER_SCORE_SIGMOID, MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN}) {
    for (const int32_t groups : {1, 4}) {
      add_case("router", text("odd_rows_score", score, "_groups", groups),
               [=](Session& session) { check_odd_rows(session, score, groups); });
    }
  }
  add_case("router", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
