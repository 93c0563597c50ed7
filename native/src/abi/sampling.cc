#include "moesaic/sampling.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/graph.h"
#include "core/guard.h"
#include "cpu/sampling/sampling.h"

namespace {

using msc::Matrix;
using msc::check_pointer;
using msc::check_reserved;
using msc::check_struct;

constexpr uint32_t kMaxTopLogprobs = 128;

template <class T>
Matrix<const T> read_only(Matrix<T> m) {
  return {m.data, m.rows, m.cols, m.stride};
}

template <class T>
Matrix<T> shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols, const char* name) {
  const Matrix<T> result = msc::matrix<T>(tensor, device, name);
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "tensor '%s' is [%lld, %lld], expected [%lld, %lld]", name,
                     static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
  return result;
}

Matrix<const float> checked_logits(const msc_tensor& tensor, int64_t vocab_size, const msc_device* device) {
  const auto logits = read_only(msc::matrix<float>(tensor, device, "logits"));
  MSC_CHECK_ARGUMENT(vocab_size >= 1 && vocab_size <= logits.cols && vocab_size <= std::numeric_limits<int32_t>::max(),
                     "vocab_size is %lld, must be 1 to the %lld columns of 'logits'", static_cast<long long>(vocab_size),
                     static_cast<long long>(logits.cols));
  return logits;
}

/// `text` says what is allowed.
void check_value(bool valid, int64_t row, const char* field, double value, const char* text) {
  MSC_CHECK_ARGUMENT(valid, "row %lld: %s is %g, must be %s", static_cast<long long>(row), field, value, text);
}

void check_id(int64_t row, const char* field, uint32_t index, int32_t id, int64_t vocab_size) {
  MSC_CHECK_ARGUMENT(id >= 0 && id < vocab_size, "row %lld: %s[%u].id is %d, must be 0 to %lld",
                     static_cast<long long>(row), field, index, id, static_cast<long long>(vocab_size - 1));
}

void check_ascending(int64_t row, const char* field, uint32_t index, int32_t previous, int32_t id) {
  MSC_CHECK_ARGUMENT(index == 0 || previous < id, "row %lld: %s[%u].id is %d after %d, ids must ascend and differ",
                     static_cast<long long>(row), field, index, id, previous);
}

void check_counts(const msc_sampling_row& row, int64_t r, int64_t vocab_size) {
  MSC_CHECK_ARGUMENT(row.num_token_counts == 0 || row.host_token_counts != nullptr,
                     "row %lld: host_token_counts is NULL, num_token_counts is %u", static_cast<long long>(r),
                     row.num_token_counts);
  for (uint32_t i = 0; i < row.num_token_counts; ++i) {
    const msc_token_count& count = row.host_token_counts[i];
    check_id(r, "host_token_counts", i, count.id, vocab_size);
    check_ascending(r, "host_token_counts", i, i == 0 ? -1 : row.host_token_counts[i - 1].id, count.id);
    MSC_CHECK_ARGUMENT(count.generated >= 0 && count.total >= count.generated,
                       "row %lld: host_token_counts[%u] has generated %d of total %d, must be 0 <= generated <= total",
                       static_cast<long long>(r), i, count.generated, count.total);
  }
}

void check_biases(const msc_sampling_row& row, int64_t r, int64_t vocab_size) {
  MSC_CHECK_ARGUMENT(row.num_biases == 0 || row.host_biases != nullptr, "row %lld: host_biases is NULL, num_biases is %u",
                     static_cast<long long>(r), row.num_biases);
  for (uint32_t i = 0; i < row.num_biases; ++i) {
    const msc_token_bias& bias = row.host_biases[i];
    check_id(r, "host_biases", i, bias.id, vocab_size);
    check_ascending(r, "host_biases", i, i == 0 ? -1 : row.host_biases[i - 1].id, bias.id);
    MSC_CHECK_ARGUMENT(bias.bias < std::numeric_limits<float>::infinity(),
                       "row %lld: host_biases[%u].bias is %g, must be finite or -infinity (never draw)",
                       static_cast<long long>(r), i, static_cast<double>(bias.bias));
  }
}

void check_row(const msc_sampling_row& row, int64_t r, int64_t vocab_size) {
  MSC_CHECK_ARGUMENT(row.struct_size == sizeof row, "row %lld: struct_size is %u, this library expects %zu",
                     static_cast<long long>(r), row.struct_size, sizeof row);
  check_value(row.reserved == 0, r, "reserved", row.reserved, "0");
  check_value(std::isfinite(row.temperature), r, "temperature", row.temperature, "finite (<= 0 is greedy)");
  check_value(row.top_k >= 0, r, "top_k", row.top_k, "0 (off) or positive");
  check_value(row.top_p > 0.0f && row.top_p <= 1.0f, r, "top_p", row.top_p, "above 0 and at most 1 (off)");
  check_value(row.min_p >= 0.0f && row.min_p < 1.0f, r, "min_p", row.min_p, "0 (off) or more, and below 1");
  check_value(std::isfinite(row.repetition_penalty) && row.repetition_penalty > 0.0f, r, "repetition_penalty",
              row.repetition_penalty, "finite and above 0 (1 is off)");
  check_value(std::isfinite(row.presence_penalty), r, "presence_penalty", row.presence_penalty, "finite");
  check_value(std::isfinite(row.frequency_penalty), r, "frequency_penalty", row.frequency_penalty, "finite");
  check_counts(row, r, vocab_size);
  check_biases(row, r, vocab_size);
}

msc::cpu::SampleTask checked_task(const msc_device* device, const msc_sample_params& params) {
  msc::cpu::SampleTask task{};
  task.logits = checked_logits(params.logits, params.vocab_size, device);
  task.vocab_size = params.vocab_size;
  const int64_t rows = task.logits.rows;
  MSC_CHECK_ARGUMENT(params.num_top_logprobs <= kMaxTopLogprobs && params.num_top_logprobs <= params.vocab_size,
                     "num_top_logprobs is %u, must be at most %u and at most vocab_size (%lld)", params.num_top_logprobs,
                     kMaxTopLogprobs, static_cast<long long>(params.vocab_size));
  task.num_top_logprobs = params.num_top_logprobs;
  task.ids = shaped<int32_t>(params.ids, device, rows, 1, "ids");
  if (params.logprobs.buffer != nullptr) {
    task.logprobs = shaped<float>(params.logprobs, device, rows, 1, "logprobs");
  }
  if (params.num_top_logprobs > 0) {
    task.top_ids = shaped<int32_t>(params.top_ids, device, rows, params.num_top_logprobs, "top_ids");
    task.top_logprobs = shaped<float>(params.top_logprobs, device, rows, params.num_top_logprobs, "top_logprobs");
  } else {
    MSC_CHECK_ARGUMENT(params.top_ids.buffer == nullptr && params.top_logprobs.buffer == nullptr,
                       "tensors 'top_ids' and 'top_logprobs' must be absent when num_top_logprobs is 0");
  }
  if (rows > 0) {
    check_pointer(params.host_rows, "params->host_rows");
  }
  task.rows = params.host_rows;
  for (int64_t r = 0; r < rows; ++r) {
    check_row(params.host_rows[r], r, params.vocab_size);
  }
  return task;
}

}  // namespace

msc_status msc_op_sample(msc_stream* stream, const msc_sample_params* params) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    check_struct(params, "params");
    msc::refuse_capture(*stream, "msc_op_sample");
    msc::cpu::sample(*stream, checked_task(stream->device, *params));
  });
}

msc_status msc_op_token_logprobs(msc_stream* stream, const msc_token_logprobs_params* params) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    check_struct(params, "params");
    check_reserved(params->reserved, "params->reserved");
    msc::refuse_capture(*stream, "msc_op_token_logprobs");
    const auto logits = checked_logits(params->logits, params->vocab_size, stream->device);
    const auto targets = read_only(shaped<int32_t>(params->targets, stream->device, logits.rows, 1, "targets"));
    const auto logprobs = shaped<float>(params->logprobs, stream->device, logits.rows, 1, "logprobs");
    for (int64_t r = 0; r < logits.rows; ++r) {
      const int32_t target = *targets.row(r);
      MSC_CHECK_ARGUMENT(target >= 0 && target < params->vocab_size, "targets[%lld] is %d, must be 0 to %lld",
                         static_cast<long long>(r), target, static_cast<long long>(params->vocab_size - 1));
    }
    msc::cpu::token_logprobs(*stream, logits, params->vocab_size, targets, logprobs);
  });
}
