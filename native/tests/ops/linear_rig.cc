#include "tests/ops/linear_rig.h"

#include "moesaic/calibrate.h"

namespace optest {

const char* precision_name(int32_t precision) { return precision == MSC_PRECISION_FAST ? "fast" : "reference"; }

bool is_quantised(int32_t format) {
  return format != MSC_FORMAT_F32 && format != MSC_FORMAT_F16 && format != MSC_FORMAT_BF16;
}

namespace {

bool multiplies_bf16(const Session& session, int32_t format, int32_t precision) {
  return format == MSC_FORMAT_BF16 && precision == MSC_PRECISION_FAST &&
         (session.variant().required_features & MSC_CPU_FEATURE_AVX512_BF16) != 0;
}

}  // namespace

std::vector<float> rounded_input(const Session& session, int32_t format, int32_t precision,
                                 const std::vector<float>& input) {
  if (is_quantised(format) && precision == MSC_PRECISION_FAST) {
    return msc::cpu::reference_round_int8(input);
  }
  return multiplies_bf16(session, format, precision) ? msc::cpu::reference_round_bf16(input) : input;
}

msc_linear_params linear_params(int32_t precision, int32_t epilogue, const msc_tensor& input) {
  msc_linear_params params = {};
  params.struct_size = sizeof(params);
  params.precision = precision;
  params.epilogue = epilogue;
  params.input = input;
  return params;
}

void add_target(msc_linear_params& params, const TestWeight& weight, const msc_tensor* out, const msc_tensor* bias) {
  msc_linear_target& target = params.targets[params.num_targets++];
  target.weight = weight.handle;
  if (out != nullptr) {
    target.out = *out;
  }
  if (bias != nullptr) {
    target.bias = *bias;
  }
}

Work linear_work(const Session& session, const TestWeight& weight, int32_t precision, int64_t num_rows) {
  Work work;
  work.bytes = static_cast<double>(weight.source.size()) +
               4.0 * static_cast<double>(num_rows * (weight.rows + weight.cols));
  work.operations = 2.0 * static_cast<double>(num_rows * weight.rows * weight.cols);
  work.peak = MSC_PEAK_F32_FMA;
  if (is_quantised(weight.format) && precision == MSC_PRECISION_FAST) {
    work.peak = MSC_PEAK_INT8_DOT;
  } else if (multiplies_bf16(session, weight.format, precision)) {
    work.peak = MSC_PEAK_BF16_DOT;
  }
  return work;
}

}  // namespace optest
