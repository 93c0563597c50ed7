#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "moesaic/ops.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

std::vector<float> reference_layer_norm(const std::vector<float>& input, const std::vector<float>& weight,
                                        const std::vector<float>& bias, double eps) {
  std::vector<float> result;
  const auto width = static_cast<double>(weight.size());
  for (size_t begin = 0; begin < input.size(); begin += weight.size()) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < weight.size(); ++i) {
      mean += static_cast<double>(input[begin + i]) / width;
    }
    for (size_t i = 0; i < weight.size(); ++i) {
      const double d = static_cast<double>(input[begin + i]) - mean;
      variance += d * d / width;
    }
    for (size_t i = 0; i < weight.size(); ++i) {
      const double normed = (static_cast<double>(input[begin + i]) - mean) / std::sqrt(variance + eps);
      result.push_back(static_cast<float>(static_cast<double>(weight[i]) * normed +
                                          (bias.empty() ? 0.0 : static_cast<double>(bias[i]))));
    }
  }
  return result;
}

void check_layer_norm(Session& session, int64_t rows, int64_t cols, bool with_bias, float shift) {
  std::vector<float> input = session.rng().normals(rows * cols);
  for (float& value : input) {
    value += shift;
  }
  const std::vector<float> weight = session.rng().normals(cols);
  const std::vector<float> bias = with_bias ? session.rng().normals(cols) : std::vector<float>();
  GuardedTensor& out = session.output("out", rows, cols, {.row_padding = 5, .shift = 1});
  msc_layer_norm_params params = {};
  params.struct_size = sizeof params;
  params.eps = 1e-5f;
  params.input = session.input("input", rows, cols, input, {.row_padding = 3});
  params.weight = session.input("weight", 1, cols, weight, {.shift = 2});
  if (with_bias) {
    params.bias = session.input("bias", 1, cols, bias, {.shift = 3});
  }
  params.out = out;
  session.run([&] { return msc_op_layer_norm(session.stream(), &params); },
              {.bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(float)});
  // A mean of 1000 leaves float32 inputs three digits fewer to begin with.
  expect_nmse(out.floats(), reference_layer_norm(input, weight, bias, 1e-5), shift > 0 ? 1e-8 : 1e-12, "out");

  GuardedTensor& last = session.inout("in_place", 1, cols, std::vector<float>(input.end() - cols, input.end()));
  params.input = last;
  params.out = last;
  session.run([&] { return msc_op_layer_norm(session.stream(), &params); });
  expect_bits_equal(last.floats(), out.row_floats(rows - 1), "one row, in place");
}

void check_refusals(Session& session) {
  msc_layer_norm_params params = {};
  params.struct_size = sizeof params;
  params.eps = -1.0f;
  params.input = session.input("input", 2, 8, std::vector<float>(16, 1.0f));
  params.weight = session.input("weight", 1, 8, std::vector<float>(8, 1.0f));
  params.out = session.output("out", 2, 8);
  const auto refuse = [&](const char* part) {
    session.run_refused([&] { return msc_op_layer_norm(session.stream(), &params); }, MSC_STATUS_BAD_ARGUMENT, {part});
  };
  refuse("eps");
  params.eps = 0.0f;
  params.bias = session.input("short_bias", 1, 7, std::vector<float>(7, 1.0f));
  refuse("'bias'");
  params.bias = {};
  params.out.rows = 1;
  refuse("'out'");
}

OP_CASES(layer_norm) {
  for (const int64_t cols : {1, 7, 8, 33, 64, 384, 768, 1025}) {
    add_case("layer_norm", text("3x", cols), [=](Session& session) { check_layer_norm(session, 3, cols, true, 0); });
  }
  add_case("layer_norm", "200x384", [](Session& session) { check_layer_norm(session, 200, 384, true, 0); });
  add_case("layer_norm", "no_bias", [](Session& session) { check_layer_norm(session, 4, 100, false, 0); });
  add_case("layer_norm", "large_mean", [](Session& session) { check_layer_norm(session, 4, 768, true, 1000); });
  add_case("layer_norm", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
