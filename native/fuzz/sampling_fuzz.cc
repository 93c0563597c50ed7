// msc_op_sample and msc_op_token_logprobs: rows of any parameters over small logits of any bits, infinities and NaN
// among them. Counts, biases and masks are as long as the row claims.

#include <vector>

#include "fuzz/input.h"
#include "fuzz/session.h"
#include "moesaic/sampling.h"

namespace {

using namespace msc::fuzz;

/// The arrays that one row points to.
struct RowArrays {
  std::vector<msc_token_count> counts;
  std::vector<msc_token_bias> biases;
  std::vector<uint32_t> mask;
};

float number(Input& input, float sensible) {
  static constexpr float kOdd[] = {0.0f, -0.0f, 1.0f, -1.0f, 1e-38f, 1e-45f, 3.4e38f, -3.4e38f, __builtin_inff(),
                                   -__builtin_inff(), __builtin_nanf("")};
  switch (input.below(8)) {
    case 0: return kOdd[input.below(std::size(kOdd))];
    case 1: return input.value<float>();
    default: return sensible;
  }
}

std::vector<float> logits(Input& input, size_t count) {
  std::vector<float> result(count);
  const bool wild = input.rarely(4);
  for (float& value : result) {
    value = wild ? number(input, 1.0f) : static_cast<float>(input.value<int8_t>()) / 8.0f;
  }
  return result;
}

template <class T>
std::vector<T> ascending(Input& input, int64_t vocab, size_t count) {
  std::vector<T> result = input.array<T>(count);
  int32_t id = -1;
  for (T& element : result) {
    id += 1 + static_cast<int32_t>(input.below(static_cast<uint32_t>(vocab / 4 + 2)));
    element.id = input.mostly(id);
  }
  return result;
}

RowArrays arrays(Input& input, int64_t vocab) {
  RowArrays result;
  result.counts = ascending<msc_token_count>(input, vocab, input.below(5));
  for (msc_token_count& count : result.counts) {
    count.generated = input.mostly(static_cast<int32_t>(input.below(4)));
    count.total = input.mostly(count.generated < 100 ? count.generated + 1 : count.generated);
  }
  result.biases = ascending<msc_token_bias>(input, vocab, input.below(5));
  for (msc_token_bias& bias : result.biases) {
    bias.bias = number(input, 2.0f);
  }
  if (input.rarely(3)) {
    result.mask = input.array<uint32_t>(static_cast<size_t>((vocab + 31) / 32));
  }
  return result;
}

msc_sampling_row row(Input& input, const RowArrays& arrays) {
  msc_sampling_row result = {};
  result.struct_size = input.mostly<uint32_t>(sizeof(result));
  result.temperature = number(input, 0.8f);
  result.top_k = input.mostly(static_cast<int32_t>(input.below(20)));
  result.top_p = number(input, static_cast<float>(1 + input.below(100)) / 100.0f);
  result.min_p = number(input, static_cast<float>(input.below(100)) / 100.0f);
  result.repetition_penalty = number(input, 1.1f);
  result.presence_penalty = number(input, 0.0f);
  result.frequency_penalty = number(input, 0.5f);
  result.seed = input.value<uint64_t>();
  result.sample_index = input.value<uint32_t>();
  result.position = input.value<uint64_t>();
  result.num_token_counts = static_cast<uint32_t>(arrays.counts.size());
  result.num_biases = static_cast<uint32_t>(arrays.biases.size());
  result.host_token_counts = arrays.counts.empty() || input.rarely(32) ? nullptr : arrays.counts.data();
  result.host_biases = arrays.biases.empty() || input.rarely(32) ? nullptr : arrays.biases.data();
  result.host_mask = arrays.mask.empty() ? nullptr : arrays.mask.data();
  result.reserved = input.mostly<uint32_t>(0);
  return result;
}

void sample(const Session& session, Input& input, const Buffer& logits, int64_t rows, int64_t cols, int64_t vocab) {
  std::vector<RowArrays> owned;
  std::vector<msc_sampling_row> host_rows;
  const int64_t usable = std::clamp<int64_t>(vocab, 1, cols);
  for (int64_t r = 0; r < rows; ++r) {
    owned.push_back(arrays(input, usable));
    host_rows.push_back(row(input, owned.back()));
  }
  const auto top = input.rarely(8) ? input.value<uint32_t>() : input.below(static_cast<uint32_t>(usable) + 1);
  const int64_t top_cols = std::clamp<int64_t>(top, 1, 129);
  const Buffer ids(session, static_cast<uint64_t>(rows) * 4 + 4);
  const Buffer logprobs(session, static_cast<uint64_t>(rows) * 4 + 4);
  const Buffer top_ids(session, static_cast<uint64_t>(rows * top_cols) * 4 + 4);
  const Buffer top_logprobs(session, static_cast<uint64_t>(rows * top_cols) * 4 + 4);
  msc_sample_params params = {};
  params.struct_size = input.mostly<uint32_t>(sizeof(params));
  params.num_top_logprobs = top;
  params.logits = logits.dense(rows, cols);
  params.vocab_size = vocab;
  params.host_rows = host_rows.empty() || input.rarely(32) ? nullptr : host_rows.data();
  params.ids = ids.dense(rows, 1, MSC_FORMAT_I32);
  params.logprobs = logprobs.dense(rows, 1);
  if (top > 0 || input.rarely(16)) {
    params.top_ids = top_ids.dense(rows, top_cols, MSC_FORMAT_I32);
    params.top_logprobs = top_logprobs.dense(rows, top_cols);
  }
  if (!accepted(msc_op_sample(session.stream, &params))) {
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    const auto at = static_cast<size_t>(r);
    const int32_t id = static_cast<const int32_t*>(ids.host)[r];
    require(id >= 0 && id < vocab, "a token outside the vocabulary was drawn");
    const std::vector<uint32_t>& mask = owned[at].mask;
    require(mask.empty() || ((mask[static_cast<size_t>(id / 32)] >> (id % 32)) & 1) != 0, "a masked token was drawn");
    for (int64_t i = 0; i < static_cast<int64_t>(top); ++i) {
      const int32_t alternative = static_cast<const int32_t*>(top_ids.host)[r * top_cols + i];
      require(alternative >= 0 && alternative < vocab, "an alternative outside the vocabulary was reported");
    }
  }
}

void score(const Session& session, Input& input, const Buffer& logits, int64_t rows, int64_t cols, int64_t vocab) {
  const Buffer targets(session, static_cast<uint64_t>(rows) * 4 + 4);
  const Buffer logprobs(session, static_cast<uint64_t>(rows) * 4 + 4);
  for (int64_t r = 0; r < rows; ++r) {
    static_cast<int32_t*>(targets.host)[r] = input.mostly(static_cast<int32_t>(input.below(static_cast<uint32_t>(cols))));
  }
  msc_token_logprobs_params params = {};
  params.struct_size = input.mostly<uint32_t>(sizeof(params));
  params.vocab_size = vocab;
  params.logits = logits.dense(rows, cols);
  params.targets = targets.dense(rows, 1, MSC_FORMAT_I32);
  params.logprobs = logprobs.dense(rows, 1);
  accepted(msc_op_token_logprobs(session.stream, &params));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Session best;
  static const Session portable(MSC_ISA_PORTABLE);
  Input input(data, size);
  const Session& session = input.rarely(4) ? portable : best;
  const auto rows = static_cast<int64_t>(input.below(4));
  const auto cols = static_cast<int64_t>(1 + input.below(150));
  const int64_t vocab = input.rarely(16) ? extreme(input) : cols - static_cast<int64_t>(input.below(2) * input.below(static_cast<uint32_t>(cols)));
  const Buffer buffer(session, static_cast<uint64_t>(std::max<int64_t>(rows, 1) * cols) * sizeof(float));
  const std::vector<float> values = logits(input, static_cast<size_t>(rows * cols));
  if (!values.empty()) {
    std::memcpy(buffer.host, values.data(), values.size() * sizeof(float));
  }
  sample(session, input, buffer, rows, cols, vocab);
  score(session, input, buffer, rows, cols, vocab);
  return 0;
}
