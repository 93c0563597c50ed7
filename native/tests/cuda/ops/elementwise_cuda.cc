// Gates and the embedding.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "cuda/embedding/embedding.h"
#include "cuda/gate/gate.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::EmbeddingParams;
using msc::cuda::GateParams;
using msc::cuda::GateRule;


struct GateCase {
  const char* name;
  ElementType type;
  GateRule rule;
  int64_t rows;
  int64_t cols;
  int64_t padding = 0;
};

const GateCase kGateCases[] = {
    {"swiglu_odd", kF32, GateRule::kSwiglu, 3, 37, 1},
    {"swiglu_512", kBf16, GateRule::kSwiglu, 4, 512, 8},
    {"swiglu_4096", kBf16, GateRule::kSwiglu, 2, 4096},
    {"swiglu_odd_bf16", kBf16, GateRule::kSwiglu, 2, 301},
    {"gelu_packed", kF32, GateRule::kGeluTanhGlu, 2, 1028},
    {"gelu_bf16", kBf16, GateRule::kGeluTanhGlu, 2, 96},
    {"clamped", kF32, GateRule::kSwigluClamped, 3, 64},
    {"clamped_bf16", kBf16, GateRule::kSwigluClamped, 3, 65},
};

double gated(GateRule rule, double g, double u) {
  constexpr double kAlpha = 1.702;
  constexpr double kLimit = 7.0;
  switch (rule) {
    case GateRule::kSwiglu:
      return g / (1 + std::exp(-g)) * u;
    case GateRule::kGeluTanhGlu:
      return 0.5 * g * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (g + 0.044715 * g * g * g))) * u;
    default: {
      const double low = std::min(g, kLimit);
      return low / (1 + std::exp(-kAlpha * low)) * (std::min(std::max(u, -kLimit), kLimit) + 1);
    }
  }
}

class CudaGate : public testing::TestWithParam<GateCase> {};

TEST_P(CudaGate, MatchesReference) {
  const GateCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const std::vector<float> gate = rounded(rng.normals(c.rows * c.cols, 4.0), c.type);
  const std::vector<float> up = rounded(rng.normals(c.rows * c.cols, 4.0), c.type);
  const auto run = [&](int64_t first, int64_t rows) {
    const auto part = [&](const std::vector<float>& all) {
      return std::vector<float>(all.begin() + first * c.cols, all.begin() + (first + rows) * c.cols);
    };
    const Tensor g("gate", c.type, rows, c.cols, part(gate), c.padding);
    const Tensor u("up", c.type, rows, c.cols, part(up), c.padding);
    const Tensor out("out", c.type, rows, c.cols, c.padding);
    GateParams params = {c.type,     c.rule,   1.702f,     7.0f,       rows,         c.cols, g.data(),
                         g.stride(), u.data(), u.stride(), out.data(), out.stride()};
    launch_gate(params, plan_gate(params), nullptr);
    out.expect_written();
    return out.values();
  };
  const std::vector<float> out = run_both_ways("gate_kernel", [&] { return run(0, c.rows); });
  std::vector<float> expected;
  for (size_t i = 0; i < gate.size(); ++i) {
    expected.push_back(static_cast<float>(gated(c.rule, static_cast<double>(gate[i]), static_cast<double>(up[i]))));
  }
  optest::expect_nmse(out, expected, c.type == kF32 ? 1e-11 : 5e-6, "out");
  optest::expect_bits_equal(run(c.rows - 1, 1), std::vector<float>(out.end() - c.cols, out.end()), "the last row alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaGate, testing::ValuesIn(kGateCases), [](const auto& info) { return info.param.name; });

TEST(CudaGatePlan, Refuses) {
  float x[4] = {};
  GateParams params = {kF32, GateRule::kSwigluClamped, 0.0f, 7.0f, 1, 4, x, 4, x, 4, x, 4};
  EXPECT_THROW(plan_gate(params), msc::Error);
  params.alpha = 1.0f;
  EXPECT_NO_THROW(plan_gate(params));
  params.cols = 0;
  EXPECT_THROW(plan_gate(params), msc::Error);
  params.cols = 4096;
  params.rows = 0x7FFFFFFF;
  EXPECT_THROW(plan_gate(params), msc::Error) << "more blocks than a grid has";
}

struct EmbeddingCase {
  const char* name;
  ElementType table;
  ElementType out;
  int64_t cols;
  bool accumulate;
};

const EmbeddingCase kEmbeddingCases[] = {
    {"f32", kF32, kF32, 37, false},
    {"bf16", kBf16, kBf16, 2048, false},
    {"bf16_to_f32", kBf16, kF32, 300, true},
    {"f32_to_bf16_added", kF32, kBf16, 64, true},
};

class CudaEmbedding : public testing::TestWithParam<EmbeddingCase> {};

TEST_P(CudaEmbedding, MatchesReference) {
  const EmbeddingCase& c = GetParam();
  constexpr int64_t kRows = 11;
  const std::vector<int32_t> ids = {10, 0, 3, 3, -1, 11};
  const auto tokens = static_cast<int64_t>(ids.size());
  optest::Rng rng(std::string_view(c.name));
  const std::vector<float> values = rounded(rng.normals(kRows * c.cols), c.table);
  const std::vector<float> before = rounded(rng.normals(tokens * c.cols), c.out);
  const std::vector<float> result = run_both_ways("embedding_kernel", [&] {
    const Tensor table("table", c.table, kRows, c.cols, values, 3);
    const cuda_on_cpu::Array<int32_t> device_ids("ids", ids);
    const Tensor out = c.accumulate ? Tensor("out", c.out, tokens, c.cols, before, 1) : Tensor("out", c.out, tokens, c.cols, 1);
    const EmbeddingParams params = {c.table, c.out,  c.accumulate,   3.0f, tokens, kRows, c.cols, device_ids.data(), table.data(),
                                    table.stride(), out.data(), out.stride()};
    launch_embedding(params, plan_embedding(params), nullptr);
    out.expect_written();
    return out.values();
  });
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < c.cols; ++i) {
      const auto at = static_cast<size_t>(t * c.cols + i);
      const int32_t id = ids[static_cast<size_t>(t)];
      if (id < 0 || id >= kRows) {
        ASSERT_TRUE(std::isnan(result[at])) << "an id outside the table";
      } else {
        const float x = 3.0f * values[static_cast<size_t>(id * c.cols + i)];
        ASSERT_EQ(rounded(c.accumulate ? before[at] + x : x, c.out), result[at]) << t << ", " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaEmbedding, testing::ValuesIn(kEmbeddingCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cuda_ops
