#include "cpu/linear/reference.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "cpu/linear/linear.h"

namespace msc::cpu {
namespace {

double product(const ReferenceLinear& op, size_t weight, int64_t row, int64_t output) {
  const ReferenceLinear::Weight& w = op.weights[weight];
  double sum = 0;
  for (int64_t k = 0; k < op.cols; ++k) {
    sum += static_cast<double>(w.values[output * op.cols + k]) * static_cast<double>(op.input[row * op.cols + k]);
  }
  return w.bias == nullptr ? sum : sum + static_cast<double>(w.bias[output]);
}

double gated(const ReferenceLinear& op, double gate, double up) {
  if (op.epilogue == MSC_EPILOGUE_SWIGLU) {
    return gate / (1 + std::exp(-gate)) * up;
  }
  if (op.epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED) {
    const double g = std::min(gate, op.gate_limit);
    return g / (1 + std::exp(-op.gate_alpha * g)) * (std::clamp(up, -op.gate_limit, op.gate_limit) + 1);
  }
  return 0.5 * gate * (1 + std::tanh(std::sqrt(2 / M_PI) * (gate + 0.044715 * gate * gate * gate))) * up;
}

double activated(int32_t epilogue, double x) {
  if (epilogue == MSC_EPILOGUE_RELU) {
    return x < 0 ? 0 : x;
  }
  return epilogue == MSC_EPILOGUE_GELU ? 0.5 * x * std::erfc(-x * M_SQRT1_2)
                                       : 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

}  // namespace

void reference_linear(const ReferenceLinear& op, std::vector<std::vector<float>>& outs) {
  const bool is_gated = op.epilogue != MSC_EPILOGUE_STORE && op.epilogue != MSC_EPILOGUE_ADD && !is_activation(op.epilogue);
  const size_t num_outs = is_gated ? 1 : op.weights.size();
  outs.resize(num_outs);
  for (size_t i = 0; i < num_outs; ++i) {
    const int64_t width = op.weights[i].num_outputs;
    outs[i].resize(static_cast<size_t>(op.rows * width));
    for (int64_t m = 0; m < op.rows; ++m) {
      for (int64_t n = 0; n < width; ++n) {
        float& out = outs[i][static_cast<size_t>(m * width + n)];
        const double y = product(op, i, m, n);
        if (is_gated) {
          out = static_cast<float>(gated(op, y, product(op, 1, m, n)));
        } else if (is_activation(op.epilogue)) {
          out = static_cast<float>(activated(op.epilogue, y));
        } else {
          out = static_cast<float>(op.epilogue == MSC_EPILOGUE_ADD ? static_cast<double>(out) + y : y);
        }
      }
    }
  }
}

std::vector<float> reference_rms_norm(const std::vector<float>& input, int64_t cols, const std::vector<float>& weight,
                                      float eps) {
  std::vector<float> out(input.size());
  const auto width = static_cast<size_t>(cols);
  for (size_t row = 0; row < input.size(); row += width) {
    double sum = 0;
    for (size_t k = 0; k < width; ++k) {
      sum += static_cast<double>(input[row + k]) * static_cast<double>(input[row + k]);
    }
    const double inverse = 1 / std::sqrt(sum / static_cast<double>(cols) + static_cast<double>(eps));
    for (size_t k = 0; k < width; ++k) {
      out[row + k] = static_cast<float>(static_cast<double>(weight[k]) * static_cast<double>(input[row + k]) * inverse);
    }
  }
  return out;
}

std::vector<float> reference_round_int8(const std::vector<float>& input) {
  std::vector<float> out(input.size());
  for (size_t block = 0; block < input.size(); block += 32) {
    float largest = 0;
    for (size_t i = block; i < block + 32; ++i) {
      largest = std::max(largest, std::fabs(input[i]));
    }
    const float scale = largest / 127.0f;
    for (size_t i = block; i < block + 32; ++i) {
      out[i] = largest < 1e-30f ? 0.0f : scale * std::nearbyint(input[i] * (127.0f / largest));
    }
  }
  return out;
}

std::vector<float> reference_round_bf16(const std::vector<float>& input) {
  std::vector<float> out(input.size());
  std::transform(input.begin(), input.end(), out.begin(), [](float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return std::bit_cast<float>((bits + 0x7FFFu + (bits >> 16 & 1)) & 0xFFFF0000u);
  });
  return out;
}

}  // namespace msc::cpu
