// Epilogues, bias, norm, several weights, and refusals of the linear op.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

constexpr int64_t kCols = 512;
constexpr float kAlpha = 1.702f, kLimit = 7.0f;  // GPT-OSS

void set_gate(msc_linear_params& params) {
  if (params.epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED) {
    params.gate_alpha = kAlpha;
    params.gate_limit = kLimit;
  }
}

/// Extreme activations need large inputs: e^x must neither overflow nor lose its sign there.
void check_gated(Session& session, int32_t format, int32_t precision, int32_t epilogue, bool with_bias, float spread) {
  const int64_t num_rows = 7, outputs = 21;
  const TestWeight gate = make_weight(session, format, outputs, kCols, 1, 0.1);
  const TestWeight up = make_weight(session, format, outputs, kCols, 1, 0.1);
  const std::vector<float> x = session.rng().normals(num_rows * kCols, spread);
  const std::vector<float> b0 = session.rng().normals(outputs), b1 = session.rng().normals(outputs);
  GuardedTensor& input = session.input("input", num_rows, kCols, x);
  GuardedTensor& bias0 = session.input("bias0", 1, outputs, b0);
  GuardedTensor& bias1 = session.input("bias1", 1, outputs, b1);
  GuardedTensor& out = session.output("out", num_rows, outputs, {5, 1});
  msc_linear_params params = linear_params(precision, epilogue, input);
  set_gate(params);
  add_target(params, gate, &out.view(), with_bias ? &bias0.view() : nullptr);
  add_target(params, up, nullptr, with_bias ? &bias1.view() : nullptr);
  session.run([&] { return msc_op_linear(session.stream(), &params); });

  std::vector<std::vector<float>> expected;
  const std::vector<float> rounded = rounded_input(session, format, precision, x);
  msc::cpu::reference_linear({epilogue, num_rows, kCols, rounded.data(),
                              {{gate.values.data(), with_bias ? b0.data() : nullptr, outputs},
                               {up.values.data(), with_bias ? b1.data() : nullptr, outputs}},
                              static_cast<double>(kAlpha), static_cast<double>(kLimit)},
                             expected);
  expect_nmse(out.floats(), expected[0], 1e-11, "gated");
}

/// Activations at the ends of float32: a zero input leaves the biases as gate and up.
void check_gate_edges(Session& session, int32_t epilogue) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> edges = {0.0f,   -0.0f,   1e-40f, -1e-40f, 80.0f,  -80.0f,   87.0f,     -87.0f,
                                    88.3f,  -88.3f,  88.5f,  -88.5f,  89.0f,  -89.0f,   100.0f,    -100.0f,
                                    1e10f,  -1e10f,  1e30f,  -1e30f,  3e38f,  -3e38f,   kInfinity, -kInfinity,
                                    std::numeric_limits<float>::quiet_NaN()};
  const auto outputs = static_cast<int64_t>(edges.size());
  const TestWeight gate = make_weight(session, MSC_FORMAT_F32, outputs, 8), up = make_weight(session, MSC_FORMAT_F32, outputs, 8);
  GuardedTensor& input = session.input("input", 1, 8, std::vector<float>(8, 0.0f));
  GuardedTensor& bias0 = session.input("bias0", 1, outputs, edges);
  GuardedTensor& bias1 = session.input("bias1", 1, outputs, std::vector<float>(edges.size(), 1.0f));
  GuardedTensor& out = session.output("out", 1, outputs);
  msc_linear_params params = linear_params(MSC_PRECISION_REFERENCE, epilogue, input);
  set_gate(params);
  add_target(params, gate, &out.view(), &bias0.view());
  add_target(params, up, nullptr, &bias1.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  const std::vector<float> y = out.floats();
  for (size_t i = 0; i < edges.size(); ++i) {
    const double x = static_cast<double>(edges[i]);
    if (std::isnan(x) || x == -HUGE_VAL) {
      EXPECT_TRUE(std::isnan(y[i])) << "of " << x << ": " << y[i];  // -infinity * 0
      continue;
    }
    double expected = 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    if (epilogue == MSC_EPILOGUE_SWIGLU) {
      expected = x / (1 + std::exp(-x));
    } else if (epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED) {
      const double g = std::fmin(x, static_cast<double>(kLimit));  // up is 1
      expected = 2 * g / (1 + std::exp(-static_cast<double>(kAlpha) * g));
    }
    if (std::isinf(expected)) {
      EXPECT_EQ(expected, static_cast<double>(y[i])) << "of " << x;
    } else {
      // Below e^-88.376 the sigmoid is zero.
      EXPECT_NEAR(expected, static_cast<double>(y[i]), 1e-6 * std::fabs(expected) + 4e-37) << "of " << x;
    }
  }
}

/// Up to four weights of several formats and heights, added to what is there.
void check_targets(Session& session, int32_t precision, int32_t epilogue) {
  const int64_t num_rows = 11;
  const int32_t formats[] = {MSC_FORMAT_Q4_1, MSC_FORMAT_BF16, MSC_FORMAT_Q6_K, MSC_FORMAT_F32};
  const int64_t heights[] = {40, 5, 33, 8};
  const std::vector<float> x = session.rng().normals(num_rows * kCols);
  GuardedTensor& input = session.input("input", num_rows, kCols, x, {4, 0});
  msc_linear_params params = linear_params(precision, epilogue, input);
  std::vector<TestWeight> weights;
  std::vector<std::vector<float>> biases, initial;
  std::vector<GuardedTensor*> outs;
  for (int i = 0; i < 4; ++i) {
    const std::string index = std::to_string(i);
    weights.push_back(make_weight(session, formats[i], heights[i], kCols, 1, 0.1));
    biases.push_back(session.rng().normals(heights[i]));
    initial.push_back(session.rng().normals(num_rows * heights[i]));
    GuardedTensor& bias = session.input("bias" + index, 1, heights[i], biases[i]);
    outs.push_back(&session.inout("out" + index, num_rows, heights[i], initial[i], {i, 0}));
    add_target(params, weights[i], &outs[i]->view(), i % 2 == 0 ? &bias.view() : nullptr);
  }
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  for (int i = 0; i < 4; ++i) {
    std::vector<std::vector<float>> expected = {initial[i]};
    const std::vector<float> rounded = rounded_input(session, formats[i], precision, x);
    msc::cpu::reference_linear({epilogue, num_rows, kCols, rounded.data(),
                                {{weights[i].values.data(), i % 2 == 0 ? biases[i].data() : nullptr, heights[i]}}},
                               expected);
    expect_nmse(outs[i]->floats(), expected[0], 1e-12, "target " + std::to_string(i));
  }
}

void check_norm(Session& session, int32_t format, int32_t precision, int64_t num_rows) {
  const int64_t outputs = 24;
  const float eps = 1e-5f;
  const TestWeight weight = make_weight(session, format, outputs, kCols, 1, 0.1);
  const std::vector<float> x = session.rng().normals(num_rows * kCols, 3.0);
  // Weights near one, as models have them: products of two normal values have a largest of 32 so far out that rounding
  // costs 1e-4 of their variance.
  std::vector<float> w = session.rng().normals(kCols, 0.2);
  for (float& value : w) {
    value += 1.0f;
  }
  GuardedTensor& input = session.input("input", num_rows, kCols, x);
  GuardedTensor& norm = session.input("norm", 1, kCols, w);
  GuardedTensor& fused = session.output("fused", num_rows, outputs);
  GuardedTensor& apart = session.output("apart", num_rows, outputs);
  GuardedTensor& normalised = session.output("normalised", num_rows, kCols);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  params.norm_weight = norm;
  params.norm_eps = eps;
  add_target(params, weight, &fused.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });

  msc_rms_norm_params rms = {};
  rms.struct_size = sizeof(rms);
  rms.eps = eps;
  rms.input = input;
  rms.weight = norm;
  rms.out = normalised;
  session.run([&] { return msc_op_rms_norm(session.stream(), &rms); });
  params = linear_params(precision, MSC_EPILOGUE_STORE, normalised);
  add_target(params, weight, &apart.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  expect_bits_equal(fused.floats(), apart.floats(), "fused norm against norm and product");

  std::vector<std::vector<float>> expected;
  const std::vector<float> exact = msc::cpu::reference_rms_norm(x, kCols, w, eps);
  msc::cpu::reference_linear(
      {MSC_EPILOGUE_STORE, num_rows, kCols, exact.data(), {{weight.values.data(), nullptr, outputs}}}, expected);
  expect_nmse(fused.floats(), expected[0], precision == MSC_PRECISION_FAST ? 1e-4 : 1e-11, "norm and product");
}

/// A NaN of the input reaches every output of its row and no other row.
void check_nan(Session& session, int32_t format, int32_t precision) {
  const TestWeight weight = make_weight(session, format, 9, kCols, 1, 0.1);
  std::vector<float> x = session.rng().normals(3 * kCols);
  x[kCols + 100] = std::numeric_limits<float>::quiet_NaN();
  GuardedTensor& input = session.input("input", 3, kCols, x);
  GuardedTensor& out = session.output("out", 3, 9);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  const std::vector<float> y = out.floats();
  for (int i = 0; i < 27; ++i) {
    EXPECT_EQ(std::isnan(y[i]), i >= 9 && i < 18) << "output " << i;
  }
}

/// The activations without a gate, over the whole range of float32: relative to the larger of 1 and |x|.
void check_activation_edges(Session& session, int32_t epilogue) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> edges = {0.0f, -0.0f, 1e-40f, -1e-40f, 88.5f, -88.5f, 1e10f, -1e10f, 3e38f, -3e38f, kInfinity,
                              std::numeric_limits<float>::quiet_NaN()};
  for (int i = -1200; i <= 1200; ++i) {
    edges.push_back(static_cast<float>(i) / 100.0f);
  }
  const auto outputs = static_cast<int64_t>(edges.size());
  const TestWeight weight = make_weight(session, MSC_FORMAT_F32, outputs, 8);
  GuardedTensor& input = session.input("input", 1, 8, std::vector<float>(8, 0.0f));
  GuardedTensor& bias = session.input("bias", 1, outputs, edges);
  GuardedTensor& out = session.output("out", 1, outputs);
  msc_linear_params params = linear_params(MSC_PRECISION_REFERENCE, epilogue, input);
  add_target(params, weight, &out.view(), &bias.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  const std::vector<float> y = out.floats();
  for (size_t i = 0; i < edges.size(); ++i) {
    const double x = static_cast<double>(edges[i]);
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(y[i])) << y[i];
      continue;
    }
    const double expected = epilogue == MSC_EPILOGUE_GELU
                                ? 0.5 * x * std::erfc(-x * M_SQRT1_2)
                                : 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    if (std::isinf(expected)) {
      EXPECT_EQ(expected, static_cast<double>(y[i])) << "of " << x;
    } else {
      EXPECT_NEAR(expected, static_cast<double>(y[i]), 2e-7 * std::fmax(std::fabs(expected), 1.0)) << "of " << x;
    }
  }
}

/// One weight or several, each with a bias: every target is activated.
void check_activated(Session& session, int32_t format, int32_t precision, int32_t epilogue, int64_t num_rows) {
  const int64_t heights[] = {37, 16};
  const std::vector<float> x = session.rng().normals(num_rows * kCols);
  GuardedTensor& input = session.input("input", num_rows, kCols, x);
  msc_linear_params params = linear_params(precision, epilogue, input);
  std::vector<TestWeight> weights;
  std::vector<std::vector<float>> biases;
  std::vector<GuardedTensor*> outs;
  for (int i = 0; i < 2; ++i) {
    weights.push_back(make_weight(session, format, heights[i], kCols, 1, 0.1));
    biases.push_back(session.rng().normals(heights[i]));
    const std::string index = std::to_string(i);
    GuardedTensor& bias = session.input("bias" + index, 1, heights[i], biases[i]);
    outs.push_back(&session.output("out" + index, num_rows, heights[i], {3, 1}));
    add_target(params, weights[i], &outs[i]->view(), i == 0 ? &bias.view() : nullptr);
  }
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  const std::vector<float> rounded = rounded_input(session, format, precision, x);
  for (int i = 0; i < 2; ++i) {
    std::vector<std::vector<float>> expected;
    msc::cpu::reference_linear({epilogue, num_rows, kCols, rounded.data(),
                                {{weights[i].values.data(), i == 0 ? biases[i].data() : nullptr, heights[i]}}},
                               expected);
    expect_nmse(outs[i]->floats(), expected[0], 1e-11, "target " + std::to_string(i));
  }
}

OP_CASES(linear_epilogues) {
  add_case("linear", "gelu_erf_edges", [](Session& session) { check_activation_edges(session, MSC_EPILOGUE_GELU); });
  add_case("linear", "gelu_tanh_edges",
           [](Session& session) { check_activation_edges(session, MSC_EPILOGUE_GELU_TANH); });
  add_case("linear", "swiglu_edges", [](Session& session) { check_gate_edges(session, MSC_EPILOGUE_SWIGLU); });
  add_case("linear", "clamped_edges",
           [](Session& session) { check_gate_edges(session, MSC_EPILOGUE_SWIGLU_CLAMPED); });
  add_case("linear", "gelu_edges", [](Session& session) { check_gate_edges(session, MSC_EPILOGUE_GELU_TANH_GLU); });
  for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
    const std::string suffix = std::string("_") + precision_name(precision);
    for (const int32_t format : {MSC_FORMAT_Q8_0, MSC_FORMAT_BF16, MSC_FORMAT_Q4_K}) {
      const std::string name = format_name(format) + suffix;
      add_case("linear", "swiglu_" + name, [=](Session& session) {
        check_gated(session, format, precision, MSC_EPILOGUE_SWIGLU, false, 1);
      });
      add_case("linear", "swiglu_bias_large_" + name, [=](Session& session) {
        check_gated(session, format, precision, MSC_EPILOGUE_SWIGLU, true, 300);
      });
      add_case("linear", "gelu_bias_" + name, [=](Session& session) {
        check_gated(session, format, precision, MSC_EPILOGUE_GELU_TANH_GLU, true, 1);
      });
      add_case("linear", "clamped_" + name, [=](Session& session) {
        check_gated(session, format, precision, MSC_EPILOGUE_SWIGLU_CLAMPED, false, 1);
      });
      add_case("linear", "clamped_bias_large_" + name, [=](Session& session) {
        check_gated(session, format, precision, MSC_EPILOGUE_SWIGLU_CLAMPED, true, 30);
      });
      add_case("linear", "gelu_erf_" + name, [=](Session& session) {
        check_activated(session, format, precision, MSC_EPILOGUE_GELU, 7);
      });
      add_case("linear", "gelu_tanh_" + name, [=](Session& session) {
        check_activated(session, format, precision, MSC_EPILOGUE_GELU_TANH, 1);
      });
      add_case("linear", "norm_1_" + name, [=](Session& session) { check_norm(session, format, precision, 1); });
      add_case("linear", "norm_37_" + name, [=](Session& session) { check_norm(session, format, precision, 37); });
    }
    for (const int32_t format : kLinearFormats) {
      add_case("linear", "nan_" + format_name(format) + suffix,
               [=](Session& session) { check_nan(session, format, precision); });
    }
    add_case("linear", "four_weights_store" + suffix,
             [=](Session& session) { check_targets(session, precision, MSC_EPILOGUE_STORE); });
    add_case("linear", "four_weights_add" + suffix,
             [=](Session& session) { check_targets(session, precision, MSC_EPILOGUE_ADD); });
  }
}

}  // namespace
}  // namespace optest
