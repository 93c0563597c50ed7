#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cpu/linear/reference.h"
#include "moesaic/ops.h"
#include "tests/ops/harness.h"

namespace optest {

/// Formats that the linear op runs as they are stored.
inline constexpr int32_t kLinearFormats[] = {MSC_FORMAT_F32,  MSC_FORMAT_F16,  MSC_FORMAT_BF16, MSC_FORMAT_Q8_0,
                                             MSC_FORMAT_Q4_0, MSC_FORMAT_Q4_1, MSC_FORMAT_Q4_K, MSC_FORMAT_Q6_K,
                                             MSC_FORMAT_Q5_0, MSC_FORMAT_Q5_1, MSC_FORMAT_Q5_K, MSC_FORMAT_MXFP4,
                                             MSC_FORMAT_NVFP4, MSC_FORMAT_IQ4_NL, MSC_FORMAT_IQ4_XS};

const char* precision_name(int32_t precision);
bool is_quantised(int32_t format);
/// The values that an input row stands for once rounded for `format` at `precision` on the session's device.
std::vector<float> rounded_input(const Session& session, int32_t format, int32_t precision,
                                 const std::vector<float>& input);

msc_linear_params linear_params(int32_t precision, int32_t epilogue, const msc_tensor& input);
void add_target(msc_linear_params& params, const TestWeight& weight, const msc_tensor* out,
                const msc_tensor* bias = nullptr);

/// Work of one product, for timing: weights as stored, rows in and out; which peak limits it.
Work linear_work(const Session& session, const TestWeight& weight, int32_t precision, int64_t num_rows);

}  // namespace optest
