#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "cuda/norm/norm.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::NormParams;

struct NormCase {
  const char* name;
  ElementType type;
  int64_t rows;
  int64_t cols;
  bool layer_norm = false;
  bool residual = false;
  bool accumulate = false;
  int64_t padding = 0;
  int64_t shift = 0;
  double scale = 1.0;
};

const NormCase kCases[] = {
    {.name = "one", .type = kF32, .rows = 2, .cols = 1},
    {.name = "odd_f32", .type = kF32, .rows = 3, .cols = 33, .padding = 2},
    {.name = "odd_bf16", .type = kBf16, .rows = 3, .cols = 577, .residual = true, .padding = 1},
    {.name = "packed_f32", .type = kF32, .rows = 3, .cols = 68, .padding = 4},
    {.name = "packed_bf16", .type = kBf16, .rows = 5, .cols = 576, .padding = 8},
    {.name = "shifted_bf16", .type = kBf16, .rows = 3, .cols = 576, .shift = 1},
    {.name = "residual_2048", .type = kBf16, .rows = 3, .cols = 2048, .residual = true},
    {.name = "residual_4096", .type = kBf16, .rows = 2, .cols = 4096, .residual = true},
    {.name = "wide_f32", .type = kF32, .rows = 1, .cols = 16384},
    {.name = "added_f32", .type = kF32, .rows = 3, .cols = 640, .accumulate = true},
    {.name = "added_bf16", .type = kBf16, .rows = 3, .cols = 100, .accumulate = true},
    {.name = "tiny", .type = kF32, .rows = 2, .cols = 100, .scale = 1e-5},
    {.name = "layer_odd", .type = kF32, .rows = 3, .cols = 37, .layer_norm = true},
    {.name = "layer_768", .type = kBf16, .rows = 3, .cols = 768, .layer_norm = true, .residual = true},
};

struct Data {
  std::vector<float> input, residual, weight, bias, out;
};

/// In double; the residual is what the norm reads before rounding.
std::vector<float> reference(const NormCase& c, const Data& data, float eps, std::vector<float>* residual) {
  std::vector<float> result;
  for (int64_t r = 0; r < c.rows; ++r) {
    std::vector<double> x;
    double mean = 0;
    for (int64_t i = 0; i < c.cols; ++i) {
      const auto at = static_cast<size_t>(r * c.cols + i);
      x.push_back(static_cast<double>(data.input[at] + (c.residual ? data.residual[at] : 0.0f)));
      residual->push_back(static_cast<float>(x.back()));
      mean += x.back() / static_cast<double>(c.cols);
    }
    mean = c.layer_norm ? mean : 0;
    double square = 0;
    for (const double value : x) {
      square += (value - mean) * (value - mean) / static_cast<double>(c.cols);
    }
    for (int64_t i = 0; i < c.cols; ++i) {
      const auto at = static_cast<size_t>(i);
      double y = static_cast<double>(data.weight[at]) * (x[at] - mean) / std::sqrt(square + static_cast<double>(eps));
      y += c.layer_norm ? static_cast<double>(data.bias[at]) : 0;
      y += c.accumulate ? static_cast<double>(data.out[static_cast<size_t>(r * c.cols) + at]) : 0;
      result.push_back(static_cast<float>(y));
    }
  }
  return result;
}

/// Rows [first, first + rows) of the case, as a batch of their own.
std::vector<float> run(const NormCase& c, const Data& data, int64_t first, int64_t rows) {
  const auto part = [&](const std::vector<float>& all) {
    return std::vector<float>(all.begin() + first * c.cols, all.begin() + (first + rows) * c.cols);
  };
  const Tensor input("input", c.type, rows, c.cols, part(data.input), c.padding, c.shift);
  const Tensor residual("residual", c.type, rows, c.cols, part(data.residual), c.padding, c.shift);
  const Tensor weight("weight", ElementType::kF32, 1, c.cols, data.weight);
  const Tensor bias("bias", ElementType::kF32, 1, c.cols, data.bias);
  const Tensor out = c.accumulate ? Tensor("out", c.type, rows, c.cols, part(data.out), c.padding, c.shift)
                                  : Tensor("out", c.type, rows, c.cols, c.padding, c.shift);
  NormParams params = {};
  params.type = c.type;
  params.subtract_mean = c.layer_norm;
  params.accumulate = c.accumulate;
  params.eps = 1e-6f;
  params.rows = rows;
  params.cols = c.cols;
  params.input = input.data();
  params.input_stride = input.stride();
  params.residual = c.residual ? residual.data() : nullptr;
  params.residual_stride = residual.stride();
  params.weight = static_cast<const float*>(weight.data());
  params.bias = c.layer_norm ? static_cast<const float*>(bias.data()) : nullptr;
  params.out = out.data();
  params.out_stride = out.stride();
  launch_norm(params, plan_norm(params), nullptr);
  out.expect_written();
  std::vector<float> result = out.values();
  const std::vector<float> after = residual.values();
  result.insert(result.end(), after.begin(), after.end());
  return result;
}

class CudaNorm : public testing::TestWithParam<NormCase> {};

TEST_P(CudaNorm, MatchesReference) {
  const NormCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const int64_t count = c.rows * c.cols;
  const Data data = {.input = rounded(rng.normals(count, c.scale), c.type),
                     .residual = rounded(rng.normals(count, 2.0), c.type),
                     .weight = rng.normals(c.cols),
                     .bias = rng.normals(c.cols),
                     .out = rounded(rng.normals(count, 3.0), c.type)};
  const std::vector<float> all =
      run_both_ways(c.layer_norm ? "layer_norm_kernel" : "rms_norm_kernel", [&] { return run(c, data, 0, c.rows); });
  std::vector<float> residual;
  const std::vector<float> expected = reference(c, data, 1e-6f, &residual);
  const std::vector<float> out(all.begin(), all.begin() + count);
  optest::expect_nmse(out, expected, c.type == kF32 ? 1e-11 : 5e-6, "out");
  if (c.residual) {
    optest::expect_bits_equal(std::vector<float>(all.begin() + count, all.end()), rounded(residual, c.type), "residual");
  }
  const std::vector<float> alone = run(c, data, c.rows - 1, 1);
  optest::expect_bits_equal(std::vector<float>(alone.begin(), alone.begin() + c.cols),
                            std::vector<float>(out.end() - c.cols, out.end()), "the last row alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaNorm, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

/// The same row gives the same bits whether it can be moved in packs or not.
TEST(CudaNormPlan, PackingChangesNoBit) {
  NormCase c = {.name = "", .type = kBf16, .rows = 1, .cols = 576};
  optest::Rng rng(uint64_t{5});
  const Data data = {rounded(rng.normals(576), kBf16), std::vector<float>(576), rng.normals(576), std::vector<float>(576), {}};
  const std::vector<float> packed = run(c, data, 0, 1);
  c.shift = 1;
  optest::expect_bits_equal(run(c, data, 0, 1), packed, "shifted by one element");
}

TEST(CudaNormPlan, Refuses) {
  float x[4] = {};
  NormParams good = {};
  good.rows = 1;
  good.cols = 4;
  good.input = x;
  good.weight = x;
  good.out = x;
  const auto refuse = refusals(good, [](const auto& params) { plan_norm(params); });
  refuse([](NormParams& p) { p.cols = 0; }, "cols is 0");
  refuse([](NormParams& p) { p.cols = 1 << 20; }, "cols is 1048576");
  refuse([](NormParams& p) { p.rows = 0; }, "rows is 0");
  refuse([](NormParams& p) { p.eps = -1.0f; }, "eps is -1");
  refuse([](NormParams& p) { p.weight = nullptr; }, "weight");
  refuse([](NormParams& p) { p.accumulate = true; }, "although it is added to");
}

}  // namespace
}  // namespace cuda_ops
