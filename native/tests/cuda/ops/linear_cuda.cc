// Dense products.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/error.h"
#include "cuda/linear/linear.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/cuda/ops/tiled_weights.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using msc::cuda::LinearEpilogue;
using msc::cuda::LinearKernel;
using msc::cuda::LinearParams;

constexpr LinearKernel kKernels[] = {LinearKernel::kStream8, LinearKernel::kStream16, LinearKernel::kStream32, LinearKernel::kTile128};

struct LinearCase {
  const char* name;
  const char* kind;
  int64_t tokens;
  std::vector<int64_t> rows;  // of each target
  int64_t cols;
  LinearEpilogue epilogue = LinearEpilogue::kStore;
  ElementType out = kF32;
  bool bias = false;
  int64_t padding = 0;
  std::vector<LinearKernel> kernels = {std::begin(kKernels), std::end(kKernels)};
};

const LinearCase kCases[] = {
    {.name = "smallest", .kind = "bf16", .tokens = 1, .rows = {1}, .cols = 8},
    {.name = "odd", .kind = "bf16", .tokens = 11, .rows = {37}, .cols = 72, .out = kBf16, .bias = true, .padding = 8},
    {.name = "three_steps", .kind = "bf16", .tokens = 3, .rows = {40}, .cols = 192},
    {.name = "qkv", .kind = "bf16", .tokens = 5, .rows = {96, 16, 33}, .cols = 320, .bias = true},
    {.name = "residual", .kind = "bf16", .tokens = 9, .rows = {64}, .cols = 512, .epilogue = LinearEpilogue::kAdd, .out = kBf16},
    {.name = "swiglu", .kind = "bf16", .tokens = 4, .rows = {48, 48}, .cols = 256, .epilogue = LinearEpilogue::kSwiglu, .out = kBf16, .bias = true},
    {.name = "gelu_glu", .kind = "q8_0", .tokens = 2, .rows = {16, 16}, .cols = 64, .epilogue = LinearEpilogue::kGeluTanhGlu},
    {.name = "clamped", .kind = "bf16", .tokens = 2, .rows = {20, 20}, .cols = 64, .epilogue = LinearEpilogue::kSwigluClamped, .bias = true},
    {.name = "gelu", .kind = "bf16", .tokens = 2, .rows = {20}, .cols = 64, .epilogue = LinearEpilogue::kGelu},
    {.name = "gelu_tanh", .kind = "bf16", .tokens = 2, .rows = {20}, .cols = 64, .epilogue = LinearEpilogue::kGeluTanh},
    {.name = "relu", .kind = "bf16", .tokens = 2, .rows = {20}, .cols = 64, .epilogue = LinearEpilogue::kRelu},
    {.name = "many_rows", .kind = "bf16", .tokens = 150, .rows = {40}, .cols = 136},
    {.name = "many_rows_int4", .kind = "q4_1", .tokens = 140, .rows = {144}, .cols = 128, .out = kBf16,
     .kernels = {LinearKernel::kStream32, LinearKernel::kTile128}},
    {.name = "hidden_2048", .kind = "bf16", .tokens = 2, .rows = {64}, .cols = 2048, .out = kBf16,
     .kernels = {LinearKernel::kStream8, LinearKernel::kTile128}},
    {.name = "hidden_4096", .kind = "fp8_128", .tokens = 1, .rows = {32}, .cols = 4096, .kernels = {LinearKernel::kStream8, LinearKernel::kTile128}},
    {.name = "q8_0", .kind = "q8_0", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "q4_0", .kind = "q4_0", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "q4_1", .kind = "q4_1", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "q4_k", .kind = "q4_k", .tokens = 3, .rows = {40}, .cols = 768},
    {.name = "q6_k", .kind = "q6_k", .tokens = 3, .rows = {40}, .cols = 512},
    {.name = "gptq_128", .kind = "gptq_128", .tokens = 3, .rows = {40}, .cols = 640},
    {.name = "awq_32", .kind = "awq_32", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "symmetric_64", .kind = "symmetric_64", .tokens = 3, .rows = {40}, .cols = 320},
    {.name = "int4_row", .kind = "int4_row", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "int8_row", .kind = "int8_row", .tokens = 3, .rows = {40}, .cols = 352},
    {.name = "int8_zeros_128", .kind = "int8_zeros_128", .tokens = 3, .rows = {40}, .cols = 640},
    {.name = "fp8_128", .kind = "fp8_128", .tokens = 3, .rows = {40, 24}, .cols = 640},
    {.name = "fp8_row", .kind = "fp8_row", .tokens = 3, .rows = {40}, .cols = 328},
};

double gelu_tanh(double y) { return 0.5 * y * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (y + 0.044715 * y * y * y))); }

double activated(LinearEpilogue epilogue, double y, double up) {
  switch (epilogue) {
    case LinearEpilogue::kSwiglu:
      return y / (1 + std::exp(-y)) * up;
    case LinearEpilogue::kGeluTanhGlu:
      return gelu_tanh(y) * up;
    case LinearEpilogue::kSwigluClamped: {
      const double g = std::min(y, 7.0);
      return g / (1 + std::exp(-1.702 * g)) * (std::min(std::max(up, -7.0), 7.0) + 1);
    }
    case LinearEpilogue::kGelu:
      return 0.5 * y * (1 + std::erf(y / std::sqrt(2.0)));
    case LinearEpilogue::kGeluTanh:
      return gelu_tanh(y);
    case LinearEpilogue::kRelu:
      return std::max(y, 0.0);
    default:
      return y;
  }
}

class CudaLinear : public testing::TestWithParam<LinearCase> {
 protected:
  CudaLinear() : c_(GetParam()), rng_(std::string_view(c_.name)) {
    for (const int64_t rows : c_.rows) {
      weights_.push_back(std::make_unique<TiledWeights>(rng_, weight_kind(c_.kind), 1, rows, c_.cols));
      biases_.push_back(rng_.normals(rows));
      before_.push_back(rounded(rng_.normals(c_.tokens * rows, 8.0), c_.out));
    }
    input_ = rounded(rng_.normals(c_.tokens * c_.cols), kBf16);
  }

  size_t num_outputs() const { return is_gated(c_.epilogue) ? 1 : c_.rows.size(); }

  /// Rows of all outputs one after another.
  /// @param pairs_of_block not what the plan says, which is 1 for small weights, unless 0.
  std::vector<float> run(LinearKernel kernel, int64_t first, int64_t tokens, int64_t pairs_of_block = 0) const {
    const std::vector<float> part(input_.begin() + first * c_.cols, input_.begin() + (first + tokens) * c_.cols);
    const Tensor x("input", kBf16, tokens, c_.cols, part, c_.padding);
    LinearParams params = {};
    params.epilogue = c_.epilogue;
    params.alpha = 1.702f;
    params.limit = 7.0f;
    params.out_type = c_.out;
    params.rows = tokens;
    params.input = x.data();
    params.input_stride = x.stride();
    params.num_targets = static_cast<int32_t>(c_.rows.size());
    std::vector<std::unique_ptr<Tensor>> outs, biases;
    for (size_t i = 0; i < c_.rows.size(); ++i) {
      const int64_t rows = c_.rows[i];
      const std::vector<float> old(before_[i].begin() + first * rows, before_[i].begin() + (first + tokens) * rows);
      outs.push_back(c_.epilogue == LinearEpilogue::kAdd ? std::make_unique<Tensor>("out", c_.out, tokens, rows, old, 3)
                                                        : std::make_unique<Tensor>("out", c_.out, tokens, rows, 3));
      biases.push_back(std::make_unique<Tensor>("bias", kF32, 1, rows, biases_[i]));
      params.targets[i] = {weights_[i]->layout(), weights_[i]->data(), c_.bias ? static_cast<const float*>(biases[i]->data()) : nullptr,
                           outs[i]->data(), outs[i]->stride()};
    }
    msc::cuda::LinearPlan plan = plan_linear(params, kernel);
    if (pairs_of_block > 0) {
      plan.pairs_of_block = pairs_of_block;
      plan.blocks = static_cast<unsigned>(plan.row_blocks * ((plan.pairs + pairs_of_block - 1) / pairs_of_block));
    }
    launch_linear(params, plan, nullptr);
    std::vector<float> all;
    for (size_t i = 0; i < num_outputs(); ++i) {
      outs[i]->expect_written();
      const std::vector<float> values = outs[i]->values();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  double product(size_t target, int64_t token, int64_t r) const {
    double sum = c_.bias ? static_cast<double>(biases_[target][static_cast<size_t>(r)]) : 0.0;
    for (int64_t k = 0; k < c_.cols; ++k) {
      sum += static_cast<double>(weights_[target]->row(0, r)[k]) * static_cast<double>(input_[static_cast<size_t>(token * c_.cols + k)]);
    }
    return sum;
  }

  std::vector<float> reference() const {
    std::vector<float> all;
    for (size_t i = 0; i < num_outputs(); ++i) {
      for (int64_t t = 0; t < c_.tokens; ++t) {
        for (int64_t r = 0; r < c_.rows[i]; ++r) {
          double y = activated(c_.epilogue, product(i, t, r), is_gated(c_.epilogue) ? product(1, t, r) : 0.0);
          y += c_.epilogue == LinearEpilogue::kAdd ? static_cast<double>(before_[i][static_cast<size_t>(t * c_.rows[i] + r)]) : 0.0;
          all.push_back(static_cast<float>(y));
        }
      }
    }
    return all;
  }

  const LinearCase& c_;
  optest::Rng rng_;
  std::vector<std::unique_ptr<TiledWeights>> weights_;
  std::vector<std::vector<float>> biases_, before_;
  std::vector<float> input_;
};

TEST_P(CudaLinear, MatchesReferenceAndEveryKernelGivesTheSameBits) {
  const auto name = [](LinearKernel kernel) { return kernel == LinearKernel::kTile128 ? "linear_tile_kernel" : "linear_stream_kernel"; };
  const LinearKernel first = c_.kernels[0];
  const std::vector<float> out = run_both_ways(name(first), [&] { return run(first, 0, c_.tokens); });
  optest::expect_nmse(out, reference(), c_.out == kF32 ? 1e-11 : 5e-6, "out");
  for (size_t i = 1; i < c_.kernels.size(); ++i) {
    const LinearKernel kernel = c_.kernels[i];
    optest::expect_bits_equal(run_both_ways(name(kernel), [&] { return run(kernel, 0, c_.tokens); }), out,
                              "kernel " + std::to_string(static_cast<int>(kernel)));
  }
  optest::expect_bits_equal(run(LinearKernel::kStream32, 0, c_.tokens, 3), out, "three pairs a block");
  if (c_.tokens > 1) {
    const int64_t last = c_.tokens - 1;
    std::vector<float> expected;
    size_t at = 0;
    for (size_t i = 0; i < num_outputs(); ++i) {
      const auto width = static_cast<size_t>(c_.rows[i]);
      const auto begin = out.begin() + static_cast<int64_t>(at + static_cast<size_t>(last) * width);
      expected.insert(expected.end(), begin, begin + static_cast<int64_t>(width));
      at += static_cast<size_t>(c_.tokens) * width;
    }
    optest::expect_bits_equal(run(LinearKernel::kByRows, last, 1), expected, "the last row alone");
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaLinear, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

TEST(CudaLinearPlan, FollowsTheRows) {
  optest::Rng rng(uint64_t{1});
  const TiledWeights weights(rng, weight_kind("bf16"), 1, 32, 64);
  alignas(16) static const uint16_t x[64] = {};
  LinearParams params = {};
  params.input = x;
  params.input_stride = 64;
  params.num_targets = 1;
  params.targets[0] = {weights.layout(), weights.data(), nullptr, &params, 32};
  const auto kernel_of = [&](int64_t rows) {
    params.rows = rows;
    return plan_linear(params).kernel;
  };
  EXPECT_EQ(LinearKernel::kStream8, kernel_of(1));
  EXPECT_EQ(LinearKernel::kStream16, kernel_of(9));
  EXPECT_EQ(LinearKernel::kStream32, kernel_of(32));
  EXPECT_EQ(LinearKernel::kTile128, kernel_of(33));
}

TEST(CudaLinearPlan, Refuses) {
  optest::Rng rng(uint64_t{2});
  const TiledWeights weights(rng, weight_kind("q8_0"), 1, 32, 64);
  const TiledWeights wide(rng, weight_kind("q8_0"), 1, 32, 128);
  const TiledWeights other(rng, weight_kind("q4_0"), 1, 32, 64);
  const TiledWeights narrow(rng, weight_kind("q8_0"), 1, 16, 64);
  alignas(16) static const uint16_t x[64] = {};
  float out[4] = {};
  const auto target = [&](const TiledWeights& w) { return msc::cuda::LinearTarget{w.layout(), w.data(), nullptr, out, 32}; };
  LinearParams good = {};
  good.rows = 1;
  good.input = x;
  good.input_stride = 64;
  good.num_targets = 2;
  good.targets[0] = target(weights);
  good.targets[1] = target(weights);
  const auto refuse = refusals(good, [](const auto& params) { plan_linear(params); });
  refuse([](LinearParams& p) { p.rows = 0; }, "rows is 0");
  refuse([](LinearParams& p) { p.num_targets = 5; }, "num_targets is 5");
  refuse([](LinearParams& p) { p.input = nullptr; }, "input is NULL");
  refuse([](LinearParams& p) { p.input_stride = 65; }, "multiples of 16 bytes");
  refuse([&](LinearParams& p) { p.targets[1] = target(wide); }, "they share one input");
  refuse([&](LinearParams& p) { p.targets[1] = target(other); }, "weights of several formats take several calls");
  refuse([](LinearParams& p) { p.targets[0].layout.steps = 2; }, "take it from lay_out_weight");
  refuse([](LinearParams& p) { p.targets[1].weight = nullptr; }, "weight of target 1");
  refuse([](LinearParams& p) { p.targets[1].out = nullptr; }, "out of target 1");
  refuse([](LinearParams& p) { p.num_targets = 1, p.epilogue = LinearEpilogue::kSwiglu; }, "takes gate and up");
  refuse([&](LinearParams& p) { p.targets[1] = target(narrow), p.epilogue = LinearEpilogue::kSwiglu; }, "must be equal");
  refuse([](LinearParams& p) { p.epilogue = LinearEpilogue::kSwigluClamped; }, "alpha is 0");
  refuse([](LinearParams& p) { p.num_shared = 1; }, "num_shared");
  refuse([](LinearParams& p) { p.experts.tiles = reinterpret_cast<const msc::cuda::ExpertTile*>(&p); }, "num_tiles");
}

}  // namespace
}  // namespace cuda_ops
