// Activations as 8-bit codes: alone, and behind the norm and the gate that make them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "cuda/norm/norm.h"
#include "cuda/quantize/quantize.h"
#include "tests/cuda/layer/array.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::QuantizedRows;
using msc::cuda::QuantizedType;
using msc::cuda::QuantizeParams;

constexpr QuantizedType kF8 = QuantizedType::kF8E4M3;
constexpr QuantizedType kI8 = QuantizedType::kI8;

double code_value(QuantizedType type, uint8_t code) {
  if (type == kI8) {
    return static_cast<int8_t>(code);
  }
  const int exponent = code >> 3 & 15;
  const double magnitude = exponent == 0 ? std::ldexp(code & 7, -9) : std::ldexp(8 + (code & 7), exponent - 10);
  return code >= 128 ? -magnitude : magnitude;
}

/// Codes and scales on the device; what they stand for on the host.
class Codes {
 public:
  Codes(QuantizedType type, int64_t rows, int64_t cols, int64_t group, int64_t padding, bool scales_by_group)
      : type_(type), rows_(rows), cols_(cols), group_(group), stride_(cols + padding), groups_((cols + group - 1) / group),
        by_group_(scales_by_group), codes_("codes", static_cast<size_t>(rows * stride_)),
        scales_("scales", static_cast<size_t>(rows * groups_)) {}

  QuantizedRows target() const {
    return {type_, group_, codes_.data(), stride_, scales_.data(), by_group_ ? 1 : groups_, by_group_ ? rows_ : 1};
  }
  /// Scales, then codes, of the rows in order.
  std::vector<float> values() const {
    if (cuda_on_cpu::sees_every_write()) {
      EXPECT_EQ(static_cast<size_t>(rows_ * cols_), cuda_on_cpu::memory().count_initialised(codes_.data(), codes_.size()));
    }
    std::vector<float> result;
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t g = 0; g < groups_; ++g) {
        result.push_back(scale(r, g));
      }
      for (int64_t c = 0; c < cols_; ++c) {
        result.push_back(static_cast<float>(code_value(type_, codes_.data()[r * stride_ + c])));
      }
    }
    return result;
  }
  float scale(int64_t r, int64_t g) const { return scales_.data()[by_group_ ? g * rows_ + r : r * groups_ + g]; }
  int64_t width() const { return groups_ + cols_; }

 private:
  QuantizedType type_;
  int64_t rows_, cols_, group_, stride_, groups_;
  bool by_group_;
  cuda_on_cpu::Array<uint8_t> codes_;
  cuda_on_cpu::Array<float> scales_;
};

/// What values() should be, from the rule in quantize.h; codes by search among all of them.
std::vector<float> reference(const std::vector<float>& x, QuantizedType type, int64_t rows, int64_t cols, int64_t group) {
  std::vector<float> result;
  const float limit = type == kI8 ? 127.0f : 448.0f;
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<float> codes;
    for (int64_t begin = 0; begin < cols; begin += group) {
      const int64_t end = std::min(cols, begin + group);
      float largest = 0.0f;
      bool is_finite = true;
      for (int64_t c = begin; c < end; ++c) {
        const float magnitude = std::fabs(x[static_cast<size_t>(r * cols + c)]);
        is_finite = is_finite && std::isfinite(magnitude);
        largest = std::max(largest, magnitude);
      }
      const bool is_zero = largest < 1e-30f;
      result.push_back(!is_finite ? std::numeric_limits<float>::quiet_NaN() : is_zero ? 0.0f : largest / limit);
      for (int64_t c = begin; c < end; ++c) {
        const double y = is_zero || !is_finite ? 0.0 : static_cast<double>(x[static_cast<size_t>(r * cols + c)] * (limit / largest));
        int best = 0;
        for (int code = 0; code < 256; ++code) {
          const double value = code_value(type, static_cast<uint8_t>(code));
          const double old = code_value(type, static_cast<uint8_t>(best));
          const bool allowed = type == kI8 ? code != 128 : (code & 127) != 127;
          const double gain = std::fabs(old - y) - std::fabs(value - y);
          // On a tie the even one; of both zeros the first.
          best = allowed && (gain > 0 || (gain == 0 && value != old && code % 2 == 0)) ? code : best;
        }
        codes.push_back(static_cast<float>(code_value(type, static_cast<uint8_t>(best))));
      }
    }
    result.insert(result.end(), codes.begin(), codes.end());
  }
  return result;
}

/// Equal values; a scale that is not finite only has to be that.
void expect_codes(const std::vector<float>& actual, const std::vector<float>& expected) {
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_FALSE(std::isfinite(actual[i])) << i;
    } else {
      ASSERT_EQ(expected[i], actual[i]) << i;
    }
  }
}

struct QuantizeCase {
  const char* name;
  ElementType type;
  QuantizedType codes;
  int64_t rows;
  int64_t cols;
  int64_t group;
  int64_t padding = 0;
  int64_t shift = 0;
  bool by_group = false;
};

const QuantizeCase kCases[] = {
    {"f8_128", kBf16, kF8, 3, 512, 128, 0, 0, true},
    {"f8_128_tail", kBf16, kF8, 2, 577, 128, 3},
    {"f8_hidden_2048", kBf16, kF8, 2, 2048, 128},
    {"f8_hidden_4096", kF32, kF8, 1, 4096, 128},
    {"i8_32", kF32, kI8, 3, 96, 32, 4},
    {"i8_32_odd", kF32, kI8, 3, 45, 32, 1, 1, true},
    {"i8_128", kBf16, kI8, 2, 300, 128},
    {"i8_row", kBf16, kI8, 3, 2048, 2048},
    {"i8_row_odd", kF32, kI8, 3, 1001, 1001, 2},
    {"f8_row_one", kF32, kF8, 2, 1, 1},
};

class CudaQuantize : public testing::TestWithParam<QuantizeCase> {};

TEST_P(CudaQuantize, MatchesReference) {
  const QuantizeCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  std::vector<float> x = rounded(rng.normals(c.rows * c.cols, 3.0), c.type);
  for (int64_t i = 0; i < c.cols && c.cols > 100; i += 97) {
    x[static_cast<size_t>(i)] = rounded(static_cast<float>(rng.normal() * 50), c.type);  // outliers
  }
  const auto run = [&](int64_t first, int64_t rows) {
    const Tensor input("input", c.type, rows, c.cols,
                       std::vector<float>(x.begin() + first * c.cols, x.begin() + (first + rows) * c.cols), c.padding, c.shift);
    const Codes codes(c.codes, rows, c.cols, c.group, c.padding, c.by_group);
    const QuantizeParams params = {c.type, rows, c.cols, input.data(), input.stride(), codes.target()};
    launch_quantize(params, plan_quantize(params), nullptr);
    return codes.values();
  };
  const std::vector<float> all = run_both_ways("quantize_kernel", [&] { return run(0, c.rows); });
  expect_codes(all, reference(x, c.codes, c.rows, c.cols, c.group));
  const std::vector<float> alone = run(c.rows - 1, 1);
  optest::expect_bits_equal(alone, std::vector<float>(all.end() - static_cast<int64_t>(alone.size()), all.end()),
                            "the last row alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaQuantize, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

/// Tiny groups become zeros, and what is not finite shows.
TEST(CudaQuantizeValues, AreNeverLost) {
  std::vector<float> x(128, 1e-31f);
  x[40] = std::numeric_limits<float>::infinity();
  x[70] = std::numeric_limits<float>::quiet_NaN();
  for (int i = 96; i < 128; ++i) {
    x[static_cast<size_t>(i)] = static_cast<float>(i);
  }
  for (const QuantizedType type : {kI8, kF8}) {
    const Tensor input("input", kF32, 1, 128, x);
    const Codes codes(type, 1, 128, 32, 0, false);
    const QuantizeParams params = {kF32, 1, 128, input.data(), input.stride(), codes.target()};
    launch_quantize(params, plan_quantize(params), nullptr);
    expect_codes(codes.values(), reference(x, type, 1, 128, 32));
    EXPECT_EQ(0.0f, codes.scale(0, 0));
  }
}

struct NormedCase {
  const char* name;
  ElementType type;
  QuantizedType codes;
  int64_t cols;
  int64_t group;
  bool layer_norm;
  bool keeps_out;
};

const NormedCase kNormedCases[] = {
    {"f8_2048", kBf16, kF8, 2048, 128, false, true},
    {"i8_row_576", kBf16, kI8, 576, 576, false, false},
    {"i8_32_odd", kF32, kI8, 101, 32, true, true},
    {"f8_4096", kF32, kF8, 4096, 128, false, false},
};

class CudaNormQuantized : public testing::TestWithParam<NormedCase> {};

/// The codes are those of the float32 norm, and the residual stream and `out` are what they are without codes.
TEST_P(CudaNormQuantized, MatchesBothSteps) {
  const NormedCase& c = GetParam();
  constexpr int64_t kRows = 3;
  optest::Rng rng(std::string_view(c.name));
  const std::vector<float> x = rounded(rng.normals(kRows * c.cols), c.type);
  const std::vector<float> before = rounded(rng.normals(kRows * c.cols), c.type);
  const std::vector<float> weight = rng.normals(c.cols);
  const auto run = [&](ElementType out_type, bool with_codes, std::vector<float>* normed) {
    // In float32 the same norm, to be quantised on its own.
    const Tensor input("input", out_type, kRows, c.cols, x);
    const Tensor residual("residual", out_type, kRows, c.cols, before);
    const Tensor weights("weight", kF32, 1, c.cols, weight);
    const Tensor out("out", out_type, kRows, c.cols);
    const Codes codes(c.codes, kRows, c.cols, c.group, 0, false);
    msc::cuda::NormParams params = {};
    params.type = out_type;
    params.subtract_mean = c.layer_norm;
    params.eps = 1e-6f;
    params.rows = kRows;
    params.cols = c.cols;
    params.input = input.data();
    params.input_stride = input.stride();
    params.residual = residual.data();
    params.residual_stride = residual.stride();
    params.weight = static_cast<const float*>(weights.data());
    const bool keeps_out = !with_codes || c.keeps_out;
    params.out = keeps_out ? out.data() : nullptr;
    params.out_stride = out.stride();
    if (with_codes) {
      params.quantized = codes.target();
    }
    launch_norm(params, plan_norm(params), nullptr);
    *normed = keeps_out ? out.values() : std::vector<float>();
    std::vector<float> result = with_codes ? codes.values() : std::vector<float>();
    const std::vector<float> after = residual.values();
    result.insert(result.end(), after.begin(), after.end());
    result.insert(result.end(), normed->begin(), normed->end());
    return result;
  };
  std::vector<float> normed;
  const std::vector<float> plain = run(c.type, false, &normed);
  std::vector<float> exact;
  run(kF32, false, &exact);
  std::vector<float> kept;
  const std::vector<float> actual =
      run_both_ways(c.layer_norm ? "layer_norm_kernel" : "rms_norm_kernel", [&] { return run(c.type, true, &kept); });
  std::vector<float> expected = reference(exact, c.codes, kRows, c.cols, c.group);
  expected.insert(expected.end(), plain.begin(), plain.begin() + kRows * c.cols);
  if (c.keeps_out) {
    expected.insert(expected.end(), normed.begin(), normed.end());
  }
  expect_codes(actual, expected);
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaNormQuantized, testing::ValuesIn(kNormedCases),
                         [](const auto& info) { return info.param.name; });

/// The norm over all heads together that some models have in place of one per head: in place, in the fused projection's
/// output, which is wider.
TEST(CudaNormInPlace, NormsQueriesAndKeysOverAllHeads) {
  constexpr int64_t kTokens = 3;
  constexpr int64_t kQueries = 16 * 128;
  constexpr int64_t kKeys = 4 * 128;
  constexpr int64_t kWidth = kQueries + 2 * kKeys;
  optest::Rng rng(std::string_view("whole width"));
  const std::vector<float> x = rounded(rng.normals(kTokens * kWidth, 2.0), kBf16);
  const std::vector<float> weight = rng.normals(kQueries);
  const std::vector<float> actual = run_both_ways("rms_norm_kernel", [&] {
    const Tensor qkv("qkv", kBf16, kTokens, kWidth, x);
    const Tensor weights("weight", kF32, 1, kQueries, weight);
    msc::cuda::NormParams params = {};
    params.type = kBf16;
    params.eps = 1e-5f;
    params.rows = kTokens;
    params.weight = static_cast<const float*>(weights.data());
    params.input_stride = params.out_stride = kWidth;
    for (const auto& [first, cols] : {std::pair{int64_t{0}, kQueries}, std::pair{kQueries, kKeys}}) {
      params.cols = cols;
      params.input = params.out = static_cast<uint16_t*>(qkv.data()) + first;
      launch_norm(params, plan_norm(params), nullptr);
    }
    return qkv.values();
  });
  std::vector<float> expected = x;
  for (int64_t t = 0; t < kTokens; ++t) {
    for (const auto& [first, cols] : {std::pair{int64_t{0}, kQueries}, std::pair{kQueries, kKeys}}) {
      float* const row = expected.data() + t * kWidth + first;
      double square = 0;
      for (int64_t i = 0; i < cols; ++i) {
        square += static_cast<double>(row[i]) * static_cast<double>(row[i]) / static_cast<double>(cols);
      }
      for (int64_t i = 0; i < cols; ++i) {
        row[i] = static_cast<float>(static_cast<double>(weight[static_cast<size_t>(i)]) * static_cast<double>(row[i]) / std::sqrt(square + 1e-5));
      }
    }
  }
  optest::expect_nmse(actual, expected, 5e-6, "queries, keys and values");
}

TEST(CudaQuantizePlan, Refuses) {
  float x[256] = {};
  const QuantizeParams good = {kF32, 1, 256, x, 256, {kI8, 32, x, 256, x, 8, 1}};
  const auto refuse = refusals(good, [](const auto& params) { plan_quantize(params); });
  refuse([](auto& p) { p.cols = 0; }, "cols is 0");
  refuse([](auto& p) { p.rows = 0; }, "rows is 0");
  refuse([](auto& p) { p.out.group = 64; }, "group is 64");
  refuse([](auto& p) { p.out.type = QuantizedType::kNone; }, "no type of codes");
  refuse([](auto& p) { p.out.codes = nullptr; }, "codes or scales");
  refuse([](auto& p) { p.input = nullptr; }, "input");
  msc::cuda::NormParams norm = {};
  norm.rows = 1;
  norm.cols = 256;
  norm.input = x;
  norm.weight = x;
  norm.quantized = good.out;
  EXPECT_NO_THROW(plan_norm(norm));
  norm.accumulate = true;
  norm.out = x + 1;
  EXPECT_THROW(plan_norm(norm), msc::Error);
}

}  // namespace
}  // namespace cuda_ops
