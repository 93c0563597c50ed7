#include <algorithm>
#include <cmath>

#include "cuda/device/plan.h"
#include "cuda/sampling/sampling.h"
#include "cuda/sampling/sampling_state.h"

namespace msc::cuda {
namespace {

constexpr int64_t kMaxTopLogprobs = 128;
static_assert(kMaxTopLogprobs <= kListed);

int64_t aligned(int64_t bytes) { return divide_up(bytes, 16) * 16; }

bool has_penalties(const msc_sampling_row& row) {
  return row.repetition_penalty != 1.0f || row.presence_penalty != 0.0f || row.frequency_penalty != 0.0f;
}

void check_value(bool valid, const char* field, double value, const char* text) {
  MSC_CHECK_ARGUMENT(valid, "sample: %s is %g, must be %s", field, value, text);
}

/// Checks what all ops on rows of logits have. @return chunks of a row.
int32_t checked_chunks(const char* op, int64_t rows, int64_t vocab_size, int64_t logits_stride) {
  MSC_CHECK_ARGUMENT(vocab_size >= 1 && vocab_size <= kMaxSampledVocab, "%s: vocab_size is %lld, must be 1 to %lld", op,
                     static_cast<long long>(vocab_size), static_cast<long long>(kMaxSampledVocab));
  const int64_t chunks = divide_up(vocab_size, kChunk);
  MSC_CHECK_ARGUMENT(rows >= 1 && rows <= kMaxGrid / chunks, "%s: rows is %lld, must be 1 to %lld", op,
                     static_cast<long long>(rows), static_cast<long long>(kMaxGrid / chunks));
  MSC_CHECK_ARGUMENT(rows == 1 || logits_stride >= vocab_size, "%s: logits_stride is %lld, must be at least vocab_size (%lld)", op,
                     static_cast<long long>(logits_stride), static_cast<long long>(vocab_size));
  return static_cast<int32_t>(chunks);
}

}  // namespace

SampleRow make_sample_row(const msc_sampling_row& row, int64_t vocab_size, const SampleRowLists& lists) {
  check_value(std::isfinite(row.temperature), "temperature", row.temperature, "finite (<= 0 is greedy)");
  check_value(row.top_k >= 0, "top_k", row.top_k, "0 (off) or positive");
  check_value(row.top_p > 0.0f && row.top_p <= 1.0f, "top_p", row.top_p, "above 0 and at most 1 (off)");
  check_value(row.min_p >= 0.0f && row.min_p < 1.0f, "min_p", row.min_p, "0 (off) or more, and below 1");
  check_value(std::isfinite(row.repetition_penalty) && row.repetition_penalty > 0.0f, "repetition_penalty", row.repetition_penalty,
              "finite and above 0 (1 is off)");
  check_value(std::isfinite(row.presence_penalty), "presence_penalty", row.presence_penalty, "finite");
  check_value(std::isfinite(row.frequency_penalty), "frequency_penalty", row.frequency_penalty, "finite");
  SampleRow result = {};
  result.temperature = row.temperature;
  result.top_k = row.top_k >= vocab_size ? 0 : row.top_k;
  result.top_p = row.top_p;
  // Tokens further off than ln(vocab / (1 - p)) weigh less than 1 - p of the greatest one alone, all of them together; the
  // quarter leaves room for rounding.
  result.reach = row.top_p < 1.0f ? static_cast<float>(std::log(static_cast<double>(vocab_size) /
                                                                (1.0 - static_cast<double>(row.top_p))) + 0.25)
                                  : 0.0f;
  result.repetition_penalty = row.repetition_penalty;
  result.presence_penalty = row.presence_penalty;
  result.frequency_penalty = row.frequency_penalty;
  result.sample_index = row.sample_index;
  result.seed = row.seed;
  result.position = row.position;
  result.least_weight =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(static_cast<double>(row.min_p) * 0x1p40)));
  result.num_counts = has_penalties(row) ? row.num_token_counts : 0;
  result.num_biases = row.num_biases;
  MSC_CHECK_ARGUMENT(result.num_counts == 0 || lists.counts != nullptr, "sample: counts is NULL, num_token_counts is %u",
                     row.num_token_counts);
  MSC_CHECK_ARGUMENT(result.num_biases == 0 || lists.biases != nullptr, "sample: biases is NULL, num_biases is %u", row.num_biases);
  MSC_CHECK_ARGUMENT(row.host_mask == nullptr || lists.mask != nullptr, "sample: mask is NULL although the row has one");
  result.counts = lists.counts;
  result.biases = lists.biases;
  result.mask = row.host_mask == nullptr ? nullptr : lists.mask;
  return result;
}

SamplePlan plan_sample(const SampleParams& params, const SampleRow* host_rows) {
  SamplePlan plan = {};
  SampleLayout& layout = plan.layout;
  layout.num_chunks = checked_chunks("sample", params.rows, params.vocab_size, params.logits_stride);
  check_range(params.num_top_logprobs, 0, std::min(kMaxTopLogprobs, params.vocab_size), "sample: num_top_logprobs");
  MSC_CHECK_ARGUMENT(params.logits != nullptr && params.sample_rows != nullptr && params.ids != nullptr && host_rows != nullptr,
                     "sample: logits, sample_rows, ids or host_rows is NULL");
  MSC_CHECK_ARGUMENT((params.num_top_logprobs > 0) == (params.top_ids != nullptr) &&
                         (params.num_top_logprobs > 0) == (params.top_logprobs != nullptr),
                     "sample: top_ids and top_logprobs go with num_top_logprobs (%d) and only with it", params.num_top_logprobs);
  for (int64_t r = 0; r < params.rows; ++r) {
    const bool is_wide = host_rows[r].temperature > 0.0f && host_rows[r].top_k == 0;
    plan.weigh |= is_wide;
    plan.collect |= is_wide && host_rows[r].top_p < 1.0f;
  }
  plan.packed = is_packable(params.logits, params.logits_stride, bytes_of(params.type));
  layout.list_capacity = std::max(layout.num_chunks * kListed, kChunk);
  const int64_t list_bytes = layout.list_capacity * static_cast<int64_t>(sizeof(SampleEntry));
  layout.chunks_offset = aligned(sizeof(SampleRowState));
  layout.list_offset = aligned(layout.chunks_offset + layout.num_chunks * static_cast<int64_t>(sizeof(SampleChunk)));
  layout.raw_list_offset = aligned(layout.list_offset + list_bytes);
  layout.row_bytes = layout.raw_list_offset + (params.num_top_logprobs > 0 ? list_bytes : 0);
  plan.scratch_bytes = static_cast<size_t>(layout.row_bytes * params.rows);
  plan.shared_bytes = static_cast<size_t>(list_bytes);
  return plan;
}

TokenLogprobsPlan plan_token_logprobs(const TokenLogprobsParams& params) {
  TokenLogprobsPlan plan = {};
  plan.num_chunks = checked_chunks("token_logprobs", params.rows, params.vocab_size, params.logits_stride);
  MSC_CHECK_ARGUMENT(params.logits != nullptr && params.targets != nullptr && params.logprobs != nullptr,
                     "token_logprobs: logits, targets or logprobs is NULL");
  plan.packed = is_packable(params.logits, params.logits_stride, bytes_of(params.type));
  plan.scratch_bytes = static_cast<size_t>(params.rows * plan.num_chunks) * sizeof(RawMeasure);
  return plan;
}

}  // namespace msc::cuda
