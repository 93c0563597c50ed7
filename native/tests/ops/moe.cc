#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "moesaic/calibrate.h"
#include "moesaic/moe.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

struct MoeShape {
  int32_t format = MSC_FORMAT_Q8_0;
  int32_t down_format = -1;  // as format
  int64_t experts = 8;
  int64_t top_k = 2;
  int64_t hidden = 64;
  int64_t width = 32;
  int64_t shared_width = 0;
  int64_t tokens = 3;
  int32_t activation = MSC_EPILOGUE_SWIGLU;
  bool accumulate = true;
  bool bias = false;
  double scale = 1;  // of the weights; large ones reach the clamps
  bool dropped = false;  // some choices have no expert

  int32_t down() const { return down_format < 0 ? format : down_format; }
  std::string name() const {
    return text(format_name(format), "_", format_name(down()), "_e", experts, "k", top_k, "_h", hidden, "_i", width, "_s",
                shared_width, "_t", tokens, activation_name(), accumulate ? "" : "_store", bias ? "_bias" : "", scale > 1 ? "_large" : "", dropped ? "_dropped" : "");
  }
  const char* activation_name() const {
    return activation == MSC_EPILOGUE_SWIGLU ? "" : activation == MSC_EPILOGUE_SWIGLU_CLAMPED ? "_clamped"
           : activation == MSC_EPILOGUE_RELU         ? "_relu"
           : activation == MSC_EPILOGUE_GELU         ? "_plain_gelu"
                                                     : "_gelu";
  }
};

struct Experts {
  TestWeight gate, up, down;
  std::vector<float> gate_bias, up_bias, down_bias;  // [E, rows], or none
};

constexpr float kAlpha = 1.702f, kLimit = 7.0f;  // GPT-OSS

Experts make_experts(Session& session, const MoeShape& shape, int64_t count, int64_t width) {
  // Scales keep hidden values and outputs of order one.
  const double scale = shape.scale / std::sqrt(static_cast<double>(shape.hidden));
  return {make_weight(session, shape.format, width, shape.hidden, count, scale),
          make_weight(session, shape.format, width, shape.hidden, count, scale),
          make_weight(session, shape.down(), shape.hidden, width, count, 1.0 / std::sqrt(static_cast<double>(width))),
          {}, {}, {}};
}

/// W x of one expert in double.
std::vector<double> multiply(const TestWeight& weight, int64_t expert, const std::vector<double>& x) {
  std::vector<double> y(static_cast<size_t>(weight.rows));
  for (int64_t r = 0; r < weight.rows; ++r) {
    const float* row = weight.values.data() + (expert * weight.rows + r) * weight.cols;
    for (int64_t c = 0; c < weight.cols; ++c) {
      y[static_cast<size_t>(r)] += static_cast<double>(row[c]) * x[static_cast<size_t>(c)];
    }
  }
  return y;
}

double activate(int32_t activation, double x, double up) {
  if (activation == MSC_EPILOGUE_SWIGLU) {
    return x / (1.0 + std::exp(-x)) * up;
  }
  if (activation == MSC_EPILOGUE_SWIGLU_CLAMPED) {
    const double limit = static_cast<double>(kLimit);
    const double g = std::min(x, limit);
    return g / (1.0 + std::exp(-static_cast<double>(kAlpha) * g)) * (std::clamp(up, -limit, limit) + 1.0);
  }
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x))) * up;
}

void add_bias(const std::vector<float>& biases, int64_t index, std::vector<double>& y) {
  for (size_t i = 0; !biases.empty() && i < y.size(); ++i) {
    y[i] += static_cast<double>(biases[static_cast<size_t>(index) * y.size() + i]);
  }
}

void add_expert(const Experts& experts, int64_t index, double weight, int32_t activation, const std::vector<double>& x,
                std::vector<double>& sum) {
  const bool gated = activation != MSC_EPILOGUE_RELU && activation != MSC_EPILOGUE_GELU;
  std::vector<double> hidden = multiply(experts.gate, index, x);
  std::vector<double> up = multiply(experts.up, index, x);
  add_bias(experts.gate_bias, index, hidden);
  add_bias(experts.up_bias, index, up);
  for (size_t i = 0; i < hidden.size(); ++i) {
    hidden[i] = gated                              ? activate(activation, hidden[i], up[i])
                : activation == MSC_EPILOGUE_RELU ? std::max(0.0, up[i])
                                                  : 0.5 * up[i] * std::erfc(-up[i] * M_SQRT1_2);
  }
  std::vector<double> y = multiply(experts.down, index, hidden);
  add_bias(experts.down_bias, index, y);
  for (size_t i = 0; i < y.size(); ++i) {
    sum[i] += weight * y[i];
  }
}

/// A layer with data and its plain reference.
class MoeRig {
 public:
  MoeRig(Session& session, const MoeShape& shape)
      : session_(session), shape_(shape), routed_(make_experts(session, shape, shape.experts, shape.width)) {
    if (shape.shared_width > 0) {
      shared_ = make_experts(session, shape, 1, shape.shared_width);
    }
    if (shape.bias) {
      routed_.gate_bias = session.rng().normals(shape.experts * shape.width);
      routed_.up_bias = session.rng().normals(shape.experts * shape.width);
      routed_.down_bias = session.rng().normals(shape.experts * shape.hidden);
      gate_bias_ = session.input("gate_bias", shape.experts, shape.width, routed_.gate_bias, {.row_padding = 3});
      up_bias_ = session.input("up_bias", shape.experts, shape.width, routed_.up_bias);
      down_bias_ = session.input("down_bias", shape.experts, shape.hidden, routed_.down_bias, {.row_padding = 1});
    }
    input_ = session.rng().normals(shape.tokens * shape.hidden);
    out_ = session.rng().normals(shape.tokens * shape.hidden);
    for (int64_t t = 0; t < shape.tokens; ++t) {
      std::vector<int32_t> all(static_cast<size_t>(shape.experts));
      for (size_t e = 0; e < all.size(); ++e) {
        all[e] = static_cast<int32_t>(e);
      }
      for (int64_t k = 0; k < shape.top_k; ++k) {  // the first k of a shuffle
        std::swap(all[static_cast<size_t>(k)], all[static_cast<size_t>(session.rng().integer(k, shape.experts - 1))]);
        ids_.push_back(all[static_cast<size_t>(k)]);
        weights_.push_back(static_cast<float>(session.rng().uniform()));
        if (shape.dropped && (t % 3 == 1 || (t + k) % 4 == 0)) {  // every third token has none
          ids_.back() = -1;
        }
      }
    }
  }

  msc_moe_params params(int32_t precision, const msc_tensor& input, const msc_tensor& ids, const msc_tensor& weights,
                        const msc_tensor& out) const {
    msc_moe_params p = {};
    p.struct_size = sizeof p;
    p.precision = precision;
    p.activation = shape_.activation;
    p.accumulate = shape_.accumulate ? 1 : 0;
    p.input = input;
    p.ids = ids;
    p.weights = weights;
    p.gate = routed_.gate.handle;
    p.up = routed_.up.handle;
    p.down = routed_.down.handle;
    p.gate_bias = gate_bias_;
    p.up_bias = up_bias_;
    p.down_bias = down_bias_;
    if (shape_.activation == MSC_EPILOGUE_SWIGLU_CLAMPED) {
      p.gate_alpha = kAlpha;
      p.gate_limit = kLimit;
    }
    if (shape_.shared_width > 0) {
      p.shared_gate = shared_.gate.handle;
      p.shared_up = shared_.up.handle;
      p.shared_down = shared_.down.handle;
    }
    if (shape_.activation == MSC_EPILOGUE_RELU || shape_.activation == MSC_EPILOGUE_GELU) {
      p.gate = p.shared_gate = nullptr;
      p.gate_bias = {};
    }
    p.out = out;
    return p;
  }

  /// Runs tokens [begin, end) and returns their rows.
  std::vector<float> run(int32_t precision, int64_t begin, int64_t end, const Work& work = {}) {
    const int64_t count = end - begin;
    const std::string suffix = text("_", next_++);
    const auto rows = [&](const auto& values, int64_t cols) {
      return std::remove_cvref_t<decltype(values)>(values.begin() + begin * cols, values.begin() + end * cols);
    };
    auto& input = session_.input("input" + suffix, count, shape_.hidden, rows(input_, shape_.hidden), {.row_padding = 3});
    auto& ids = session_.input("ids" + suffix, count, shape_.top_k, rows(ids_, shape_.top_k), {.row_padding = 1});
    auto& weights = session_.input("weights" + suffix, count, shape_.top_k, rows(weights_, shape_.top_k));
    auto& out = session_.inout("out" + suffix, count, shape_.hidden, rows(out_, shape_.hidden), {.row_padding = 5});
    const msc_moe_params p = params(precision, input, ids, weights, out);
    session_.run([&] { return msc_op_moe(session_.stream(), &p); }, work);
    return out.floats();
  }

  std::vector<float> reference() const {
    std::vector<float> result;
    for (int64_t t = 0; t < shape_.tokens; ++t) {
      const std::vector<double> x(input_.begin() + t * shape_.hidden, input_.begin() + (t + 1) * shape_.hidden);
      std::vector<double> sum(static_cast<size_t>(shape_.hidden));
      for (int64_t k = 0; k < shape_.top_k; ++k) {
        const auto choice = static_cast<size_t>(t * shape_.top_k + k);
        if (ids_[choice] < 0) {
          continue;
        }
        add_expert(routed_, ids_[choice], weights_[choice], shape_.activation, x, sum);
      }
      if (shape_.shared_width > 0) {
        add_expert(shared_, 0, 1.0, shape_.activation, x, sum);
      }
      for (int64_t i = 0; i < shape_.hidden; ++i) {
        const double before = shape_.accumulate ? out_[static_cast<size_t>(t * shape_.hidden + i)] : 0.0;
        result.push_back(static_cast<float>(before + sum[static_cast<size_t>(i)]));
      }
    }
    return result;
  }

 private:
  Session& session_;
  MoeShape shape_;
  Experts routed_;
  Experts shared_ = {};
  msc_tensor gate_bias_ = {}, up_bias_ = {}, down_bias_ = {};
  std::vector<float> input_, out_, weights_;
  std::vector<int32_t> ids_;
  int next_ = 0;
};

void check(Session& session, const MoeShape& shape) {
  MoeRig rig(session, shape);
  const std::vector<float> expected = rig.reference();
  for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
    const bool reference = precision == MSC_PRECISION_REFERENCE;
    const std::vector<float> whole = rig.run(precision, 0, shape.tokens);
    expect_nmse(whole, expected, reference ? 1e-11 : 1e-3, reference ? "reference" : "fast");
    // Token by token; of many, the first alone, the last alone and those between together.
    std::vector<float> parts;
    for (int64_t begin = 0, end = 1; begin < shape.tokens; begin = end, end = begin + 1) {
      if (shape.tokens > 32 && begin == 1) {
        end = shape.tokens - 1;
      }
      const std::vector<float> rows = rig.run(precision, begin, end);
      parts.insert(parts.end(), rows.begin(), rows.end());
    }
    expect_bits_equal(parts, whole, "in parts");
  }
}

void check_refusals(Session& session) {
  const MoeShape shape = {.shared_width = 32, .tokens = 2};
  MoeRig rig(session, shape);
  auto& input = session.input("input", 2, 64, session.rng().normals(128));
  auto& weights = session.input("weights", 2, 2, std::vector<float>(4, 0.5f));
  auto& ids = session.input("ids", 2, 2, std::vector<int32_t>{0, 1, 2, 3});
  auto& high = session.input("high", 2, 2, std::vector<int32_t>{0, 1, 2, 8});
  auto& negative = session.input("negative", 2, 2, std::vector<int32_t>{0, -2, 2, 3});
  auto& twice = session.input("twice", 2, 2, std::vector<int32_t>{0, 1, 3, 3});
  auto& narrow = session.input("narrow", 2, 63, session.rng().normals(126));
  auto& out = session.inout("out", 2, 64, session.rng().normals(128));
  const auto refuse = [&](const char* part, const msc_tensor& with_input, const msc_tensor& with_ids, auto&& change) {
    msc_moe_params p = rig.params(MSC_PRECISION_FAST, with_input, with_ids, weights, out);
    change(p);
    session.run_refused([&] { return msc_op_moe(session.stream(), &p); }, MSC_STATUS_BAD_ARGUMENT, {part});
  };
  const auto nothing = [](msc_moe_params&) {};
  refuse("ids[1, 1] is 8", input, high, nothing);
  refuse("ids[0, 1] is -2", input, negative, nothing);
  refuse("chooses expert 3 twice", input, twice, nothing);
  refuse("gate is 8 x [32, 64]", narrow, ids, nothing);
  refuse("precision", input, ids, [](msc_moe_params& p) { p.precision = 7; });
  refuse("activation", input, ids, [](msc_moe_params& p) { p.activation = MSC_EPILOGUE_ADD; });
  refuse("gate_alpha", input, ids, [](msc_moe_params& p) { p.activation = MSC_EPILOGUE_SWIGLU_CLAMPED; });
  refuse("gate_limit", input, ids, [](msc_moe_params& p) {
    p.activation = MSC_EPILOGUE_SWIGLU_CLAMPED;
    p.gate_alpha = kAlpha;
    p.gate_limit = -1;
  });
  refuse("gate_alpha", input, ids, [](msc_moe_params& p) { p.gate_alpha = kAlpha; });
  refuse("up_bias", input, ids, [&](msc_moe_params& p) { p.up_bias = narrow; });
  refuse("down_bias", input, ids, [&](msc_moe_params& p) { p.down_bias = weights; });
  refuse("accumulate", input, ids, [](msc_moe_params& p) { p.accumulate = 2; });
  refuse("gate", input, ids, [](msc_moe_params& p) { p.gate = nullptr; });
  refuse("gate is present", input, ids, [](msc_moe_params& p) { p.activation = MSC_EPILOGUE_RELU; });
  refuse("down", input, ids, [](msc_moe_params& p) { p.down = p.gate; });
  refuse("shared", input, ids, [](msc_moe_params& p) { p.shared_up = nullptr; });
  refuse("shared", input, ids, [](msc_moe_params& p) { p.shared_gate = p.gate; });
  refuse("struct_size", input, ids, [](msc_moe_params& p) { p.struct_size -= 8; });
}

/// One layer of Ling-mini-2.0, one token or a chunk.
void time_ling_mini(Session& session, int32_t format, int64_t tokens) {
  const MoeShape shape = {.format = format, .experts = 64, .top_k = 8, .hidden = 2048, .width = 512, .shared_width = 512,
                          .tokens = tokens};
  MoeRig rig(session, shape);
  uint64_t elements = 0, bytes = 0;
  msc_format_block(format, &elements, &bytes);
  const double matrix = 3.0 * 2048 * 512;
  const double touched = 64 * (1 - std::pow(1 - 8.0 / 64, static_cast<double>(tokens))) + 1;
  rig.run(MSC_PRECISION_FAST, 0, tokens,
          {.bytes = matrix * touched * static_cast<double>(bytes) / static_cast<double>(elements),
           .operations = 2 * matrix * 9 * static_cast<double>(tokens),
           .peak = format == MSC_FORMAT_BF16 ? MSC_PEAK_F32_FMA : MSC_PEAK_INT8_DOT});
}

OP_CASES(moe) {
  const auto add = [](const MoeShape& shape) {
    add_case("moe", shape.name(), [=](Session& session) { check(session, shape); });
  };
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_F16, MSC_FORMAT_BF16, MSC_FORMAT_Q8_0, MSC_FORMAT_Q4_0,
                               MSC_FORMAT_Q4_1, MSC_FORMAT_Q5_0, MSC_FORMAT_Q5_1}) {
    add({.format = format, .shared_width = 64});
  }
  add({.format = MSC_FORMAT_Q4_K, .hidden = 256, .width = 256, .tokens = 2});
  add({.format = MSC_FORMAT_Q4_K, .down_format = MSC_FORMAT_Q6_K, .hidden = 256, .width = 256, .shared_width = 256});
  add({.format = MSC_FORMAT_Q5_K, .down_format = MSC_FORMAT_Q6_K, .hidden = 256, .width = 256, .shared_width = 256});
  add({.format = MSC_FORMAT_Q4_1, .down_format = MSC_FORMAT_BF16, .shared_width = 96});
  add({.format = MSC_FORMAT_F32, .experts = 3, .top_k = 1, .hidden = 9, .width = 7, .shared_width = 5, .tokens = 4});
  add({.experts = 1, .top_k = 1, .tokens = 1});
  for (const int32_t activation : {MSC_EPILOGUE_RELU, MSC_EPILOGUE_GELU}) {
    add({.format = MSC_FORMAT_BF16, .shared_width = 48, .tokens = 7, .activation = activation});
    add({.tokens = 30, .activation = activation, .bias = true});
  }
  for (const int64_t shared_width : {0, 32}) {
    add({.shared_width = shared_width, .tokens = 9, .dropped = true});
    add({.top_k = 1, .shared_width = shared_width, .tokens = 40, .accumulate = false, .dropped = true});
  }
  add({.experts = 4, .top_k = 4, .tokens = 9, .accumulate = false});
  add({.experts = 16, .top_k = 4, .hidden = 96, .width = 160, .shared_width = 32, .tokens = 25});
  add({.experts = 2, .top_k = 1, .tokens = 230});  // more tokens at an expert than a tile has rows
  // Results of more than 8 MiB, which are added in panels, the last one narrower.
  add({.format = MSC_FORMAT_F32, .top_k = 8, .hidden = 4104, .width = 8, .tokens = 72});
  add({.format = MSC_FORMAT_F32, .top_k = 8, .hidden = 4104, .width = 8, .shared_width = 4, .tokens = 90, .accumulate = false});
  add({.format = MSC_FORMAT_BF16, .activation = MSC_EPILOGUE_GELU_TANH_GLU});
  add({.format = MSC_FORMAT_F32, .experts = 4, .hidden = 41, .width = 23, .shared_width = 8, .tokens = 30, .bias = true});
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_Q8_0, MSC_FORMAT_MXFP4, MSC_FORMAT_IQ4_NL}) {
    for (const int64_t tokens : {1, 14}) {
      add({.format = format, .hidden = 96, .width = 160, .tokens = tokens, .activation = MSC_EPILOGUE_SWIGLU_CLAMPED,
           .bias = true});
    }
  }
  add({.format = MSC_FORMAT_F32, .hidden = 64, .width = 48, .tokens = 9, .activation = MSC_EPILOGUE_SWIGLU_CLAMPED,
       .scale = 8});
  add({.format = MSC_FORMAT_F32, .top_k = 8, .hidden = 4104, .width = 8, .tokens = 72,
       .activation = MSC_EPILOGUE_SWIGLU_CLAMPED, .bias = true});
  add_case("moe", "refusals", check_refusals);
  for (const int32_t format : {MSC_FORMAT_Q4_0, MSC_FORMAT_Q8_0, MSC_FORMAT_BF16}) {
    for (const int64_t tokens : {1, 512}) {
      add_timed_case("moe", text("ling_mini_layer_", format_name(format), "_t", tokens),
                     [=](Session& session) { time_ling_mini(session, format, tokens); });
    }
  }
}

}  // namespace
}  // namespace optest
