// A layer of experts as its launches: sort, gate and up, down, sum.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <set>

#include "core/error.h"
#include "cuda/linear/linear.h"
#include "cuda/moe/expert_combine.h"
#include "cuda/moe/expert_sort.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/cuda/ops/tiled_weights.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using msc::cuda::ExpertTile;
using msc::cuda::LinearEpilogue;
using msc::cuda::LinearParams;
using Ints = cuda_on_cpu::Array<int32_t>;

struct ExpertsCase {
  const char* name;
  const char* kind;
  const char* shared_kind;  // NULL: no shared expert
  int64_t tokens;
  int64_t experts;
  int64_t top_k;
  int64_t hidden;
  int64_t width;
  int64_t shared_width = 0;
  LinearEpilogue activation = LinearEpilogue::kSwiglu;
  bool bias = false;
  bool dropped = false;
  std::vector<int64_t> tile_rows = {8, 16, 32, 128};
};

const ExpertsCase kCases[] = {
    {.name = "small", .kind = "bf16", .shared_kind = nullptr, .tokens = 5, .experts = 4, .top_k = 2, .hidden = 64, .width = 40},
    {.name = "shared", .kind = "bf16", .shared_kind = "bf16", .tokens = 3, .experts = 6, .top_k = 3, .hidden = 128, .width = 32, .shared_width = 96,
     .tile_rows = {8, 16, 128}},
    {.name = "dropped", .kind = "q8_0", .shared_kind = "q8_0", .tokens = 11, .experts = 3, .top_k = 2, .hidden = 64, .width = 64, .shared_width = 64, .dropped = true},
    {.name = "gpt_oss", .kind = "bf16", .shared_kind = nullptr, .tokens = 3, .experts = 8, .top_k = 2, .hidden = 64, .width = 32,
     .activation = LinearEpilogue::kSwigluClamped, .bias = true},
    {.name = "no_gate", .kind = "bf16", .shared_kind = nullptr, .tokens = 4, .experts = 4, .top_k = 1, .hidden = 64, .width = 48,
     .activation = LinearEpilogue::kRelu, .bias = true},
    {.name = "int4_and_symmetric", .kind = "awq_32", .shared_kind = "symmetric_64", .tokens = 6, .experts = 4, .top_k = 2, .hidden = 128, .width = 64, .shared_width = 128,
     .tile_rows = {8, 128}},
    {.name = "fp8", .kind = "fp8_128", .shared_kind = "fp8_128", .tokens = 2, .experts = 8, .top_k = 4, .hidden = 256, .width = 128, .shared_width = 128,
     .tile_rows = {8, 128}},
    {.name = "crowded", .kind = "bf16", .shared_kind = "bf16", .tokens = 70, .experts = 2, .top_k = 1, .hidden = 64, .width = 32, .shared_width = 32,
     .tile_rows = {32, 128}},
    {.name = "experts_256", .kind = "q4_k", .shared_kind = "q4_k", .tokens = 1, .experts = 256, .top_k = 8, .hidden = 256, .width = 256, .shared_width = 256,
     .tile_rows = {8}},
    {.name = "hidden_2048", .kind = "bf16", .shared_kind = "bf16", .tokens = 2, .experts = 16, .top_k = 2, .hidden = 2048, .width = 16, .shared_width = 16,
     .tile_rows = {8}},
};

double activated(LinearEpilogue epilogue, double y, double up) {
  switch (epilogue) {
    case LinearEpilogue::kSwiglu:
      return y / (1 + std::exp(-y)) * up;
    case LinearEpilogue::kSwigluClamped: {
      const double g = std::min(y, 7.0);
      return g / (1 + std::exp(-1.702 * g)) * (std::min(std::max(up, -7.0), 7.0) + 1);
    }
    default:
      return std::max(y, 0.0);
  }
}

struct Stack {
  Stack(optest::Rng& rng, const char* kind, int64_t experts, int64_t hidden, int64_t width, bool gated)
      : gate(rng, weight_kind(kind), experts, width, hidden, 0.1),
        down(rng, weight_kind(kind), experts, hidden, width, 0.1),
        gate_bias(rng.normals(experts * width)),
        up_bias(rng.normals(experts * width)),
        down_bias(rng.normals(experts * hidden)) {
    if (gated) {
      up = std::make_unique<TiledWeights>(rng, weight_kind(kind), experts, width, hidden, 0.1);
    }
  }
  TiledWeights gate, down;
  std::unique_ptr<TiledWeights> up;
  std::vector<float> gate_bias, up_bias, down_bias;
};

class CudaExperts : public testing::TestWithParam<ExpertsCase> {
 protected:
  CudaExperts() : c_(GetParam()), rng_(std::string_view(c_.name)), routed_(rng_, c_.kind, c_.experts, c_.hidden, c_.width, is_gated(c_.activation)) {
    if (c_.shared_kind != nullptr) {
      shared_ = std::make_unique<Stack>(rng_, c_.shared_kind, 1, c_.hidden, c_.shared_width, true);
    }
    input_ = rounded(rng_.normals(c_.tokens * c_.hidden), kBf16);
    before_ = rounded(rng_.normals(c_.tokens * c_.hidden), kBf16);
    for (int64_t t = 0; t < c_.tokens; ++t) {
      std::set<int32_t> chosen;
      while (static_cast<int64_t>(chosen.size()) < c_.top_k) {
        chosen.insert(static_cast<int32_t>(rng_.integer(0, c_.experts - 1)));
      }
      ids_.insert(ids_.end(), chosen.rbegin(), chosen.rend());
    }
    for (size_t i = 0; c_.dropped && i < ids_.size(); i += 3) {
      ids_[i] = -1;
    }
    weights_ = rng_.normals(c_.tokens * c_.top_k);
  }

  /// Tokens [first, first + tokens) through all launches.
  std::vector<float> run(int64_t tile_rows, int64_t first, int64_t tokens) const {
    const auto part = [&](const auto& all, int64_t width) {
      return std::vector(all.begin() + first * width, all.begin() + (first + tokens) * width);
    };
    const int64_t choices = tokens * c_.top_k;
    const int64_t rows = choices + (shared_ != nullptr ? tokens : 0);
    const int64_t hidden_width = (std::max(c_.width, c_.shared_width) + 7) / 8 * 8;
    const Tensor x("input", kBf16, tokens, c_.hidden, part(input_, c_.hidden), 8);
    const Tensor w("weights", kF32, tokens, c_.top_k, part(weights_, c_.top_k));
    const Tensor hidden("hidden", kBf16, rows, hidden_width);
    const Tensor results("results", kF32, rows, c_.hidden);
    const Tensor out("out", kBf16, tokens, c_.hidden, part(before_, c_.hidden));
    const Ints ids("ids", part(ids_, c_.top_k));
    const Ints offsets("offsets", static_cast<size_t>(c_.experts + 1));
    const Ints token_of_row("token_of_row", static_cast<size_t>(rows));
    const Ints row_of_choice("row_of_choice", static_cast<size_t>(choices));
    const Ints num_tiles("num_tiles", 1);
    ExpertTile none = {};
    msc::cuda::ExpertSortParams sort = {tokens, c_.top_k, c_.experts, ids.data(), c_.top_k, shared_ != nullptr, tile_rows,
                                        offsets.data(), token_of_row.data(), row_of_choice.data(), &none, num_tiles.data()};
    const auto sort_plan = plan_expert_sort(sort);
    const cuda_on_cpu::Array<ExpertTile> tiles("tiles", static_cast<size_t>(sort_plan.most_tiles));
    sort.tiles = tiles.data();
    launch_expert_sort(sort, sort_plan, nullptr);

    const bool gated = is_gated(c_.activation);
    std::vector<std::unique_ptr<Tensor>> biases;
    const auto bias = [&](const std::vector<float>& values) -> const float* {
      if (!c_.bias) {
        return nullptr;
      }
      biases.push_back(std::make_unique<Tensor>("bias", kF32, 1, static_cast<int64_t>(values.size()), values));
      return static_cast<const float*>(biases.back()->data());
    };
    LinearParams up = {};
    up.epilogue = c_.activation;
    up.alpha = 1.702f;
    up.limit = 7.0f;
    up.out_type = kBf16;
    up.input = x.data();
    up.input_stride = x.stride();
    up.experts = {tiles.data(), num_tiles.data(), sort_plan.most_tiles, tile_rows, c_.experts, token_of_row.data()};
    up.num_targets = gated ? 2 : 1;
    up.targets[0] = {routed_.gate.layout(), routed_.gate.data(), bias(routed_.gate_bias), hidden.data(), hidden.stride()};
    LinearParams down = up;
    down.epilogue = LinearEpilogue::kStore;
    down.out_type = kF32;
    down.input = hidden.data();
    down.input_stride = hidden.stride();
    down.experts.input_rows = nullptr;
    down.num_targets = 1;
    down.targets[0] = {routed_.down.layout(), routed_.down.data(), bias(routed_.down_bias), results.data(), results.stride()};
    if (gated) {
      up.targets[1] = {routed_.up->layout(), routed_.up->data(), bias(routed_.up_bias), nullptr, 0};
    }
    if (shared_ != nullptr) {
      up.num_shared = 2;
      up.shared[0] = {shared_->gate.layout(), shared_->gate.data(), nullptr, hidden.data(), hidden.stride()};
      up.shared[1] = {shared_->up->layout(), shared_->up->data(), nullptr, nullptr, 0};
      down.num_shared = 1;
      down.shared[0] = {shared_->down.layout(), shared_->down.data(), nullptr, results.data(), results.stride()};
    }
    launch_linear(up, plan_linear(up), nullptr);
    launch_linear(down, plan_linear(down), nullptr);
    const msc::cuda::ExpertCombineParams combine = {
        kF32, kBf16, true, tokens, c_.top_k, c_.hidden, results.data(), results.stride(), row_of_choice.data(),
        static_cast<const float*>(w.data()), w.stride(), shared_ != nullptr ? choices : -1, out.data(), out.stride()};
    launch_expert_combine(combine, plan_expert_combine(combine), nullptr);
    out.expect_written();
    return out.values();
  }

  /// One expert's result for a token; what lies between the products is bfloat16.
  std::vector<double> expert(const Stack& stack, int64_t e, int64_t width, LinearEpilogue activation, bool bias, int64_t token) const {
    const auto dot = [](const float* row, const float* x, int64_t count) {
      double sum = 0;
      for (int64_t k = 0; k < count; ++k) {
        sum += static_cast<double>(row[k]) * static_cast<double>(x[k]);
      }
      return sum;
    };
    const float* x = input_.data() + token * c_.hidden;
    std::vector<float> hidden;
    for (int64_t i = 0; i < width; ++i) {
      const auto at = static_cast<size_t>(e * width + i);
      const double y = dot(stack.gate.row(e, i), x, c_.hidden) + (bias ? static_cast<double>(stack.gate_bias[at]) : 0.0);
      const double up = stack.up == nullptr ? 0.0 : dot(stack.up->row(e, i), x, c_.hidden) + (bias ? static_cast<double>(stack.up_bias[at]) : 0.0);
      hidden.push_back(rounded(static_cast<float>(activated(activation, y, up)), kBf16));
    }
    std::vector<double> result;
    for (int64_t i = 0; i < c_.hidden; ++i) {
      result.push_back(dot(stack.down.row(e, i), hidden.data(), width) +
                       (bias ? static_cast<double>(stack.down_bias[static_cast<size_t>(e * c_.hidden + i)]) : 0.0));
    }
    return result;
  }

  std::vector<float> reference() const {
    std::vector<float> all;
    for (int64_t t = 0; t < c_.tokens; ++t) {
      std::vector<double> sum(before_.begin() + t * c_.hidden, before_.begin() + (t + 1) * c_.hidden);
      const auto add = [&](const std::vector<double>& y, double weight) {
        for (size_t i = 0; i < sum.size(); ++i) {
          sum[i] += weight * y[i];
        }
      };
      for (int64_t k = 0; k < c_.top_k; ++k) {
        const auto at = static_cast<size_t>(t * c_.top_k + k);
        if (ids_[at] >= 0) {
          add(expert(routed_, ids_[at], c_.width, c_.activation, c_.bias, t), static_cast<double>(weights_[at]));
        }
      }
      if (shared_ != nullptr) {
        add(expert(*shared_, 0, c_.shared_width, LinearEpilogue::kSwiglu, false, t), 1.0);
      }
      all.insert(all.end(), sum.begin(), sum.end());
    }
    return all;
  }

  const ExpertsCase& c_;
  optest::Rng rng_;
  Stack routed_;
  std::unique_ptr<Stack> shared_;
  std::vector<float> input_, before_, weights_;
  std::vector<int32_t> ids_;
};

TEST_P(CudaExperts, MatchesReferenceWhateverTheTiles) {
  const auto kernel = [](int64_t rows) { return rows == 128 ? "linear_tile_kernel" : "linear_stream_kernel"; };
  const int64_t first = c_.tile_rows[0];
  const std::vector<float> out = run_both_ways(kernel(first), [&] { return run(first, 0, c_.tokens); });
  optest::expect_nmse(out, reference(), 1e-5, "out");
  for (const int64_t rows : c_.tile_rows) {
    if (rows != first) {
      optest::expect_bits_equal(run_both_ways(kernel(rows), [&] { return run(rows, 0, c_.tokens); }), out, "tiles of " + std::to_string(rows));
    }
  }
  optest::expect_bits_equal(run(8, c_.tokens - 1, 1), std::vector<float>(out.end() - c_.hidden, out.end()), "the last token alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaExperts, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

TEST(CudaExpertsPlan, Refuses) {
  optest::Rng rng(uint64_t{3});
  const TiledWeights weights(rng, weight_kind("q8_0"), 2, 32, 64);
  alignas(16) static const uint16_t x[64] = {};
  float out[4] = {};
  ExpertTile tile = {};
  int32_t count = 1;
  LinearParams good = {};
  good.input = x;
  good.input_stride = 64;
  good.num_targets = 1;
  good.targets[0] = {weights.layout(), weights.data(), nullptr, out, 32};
  good.experts = {&tile, &count, 1, 8, 2, nullptr};
  const auto refuse = refusals(good, [](const auto& params) { plan_linear(params); });
  refuse([](LinearParams& p) { p.experts.tile_rows = 24; }, "tile_rows is 24");
  refuse([](LinearParams& p) { p.experts.most_tiles = 0; }, "most_tiles is 0");
  refuse([](LinearParams& p) { p.experts.num_experts = 0; }, "num_experts is 0");
  refuse([](LinearParams& p) { p.num_shared = 2; }, "num_shared is 2");
  refuse([](LinearParams& p) { p.num_targets = 2, p.targets[1] = p.targets[0]; }, "experts have one target");
  EXPECT_EQ(8, msc::cuda::expert_tile_rows(1));
  EXPECT_EQ(32, msc::cuda::expert_tile_rows(20));
  EXPECT_EQ(128, msc::cuda::expert_tile_rows(500));
}

}  // namespace
}  // namespace cuda_ops
