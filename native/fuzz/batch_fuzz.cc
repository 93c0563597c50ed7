// msc_batch_create and msc_batch_update: limits and arrays that contradict each other in any way. The arrays are as long
// as the counts claim, which is what the caller promises; their content is arbitrary.

#include <vector>

#include "core/batch.h"
#include "fuzz/input.h"
#include "fuzz/session.h"
#include "moesaic/batch.h"

namespace {

using namespace msc::fuzz;

constexpr int64_t kMaxTokens = 48;
constexpr int64_t kMaxPages = 6;

struct Step {
  std::vector<int32_t> token_ids, positions, offsets, logit_rows, tables;
  msc_batch_desc desc = {};
};

size_t length_of(int64_t count) { return static_cast<size_t>(std::clamp<int64_t>(count, 0, 4 * kMaxTokens)); }

/// Arrays that fit together; corrupted afterwards.
Step well_formed(Input& input, uint32_t groups) {
  Step step;
  const auto sequences = static_cast<int64_t>(1 + input.below(6));
  step.offsets.push_back(0);
  for (int64_t s = 0; s < sequences; ++s) {
    const auto length = static_cast<int32_t>(1 + input.below(8));
    const auto first = static_cast<int32_t>(input.rarely(8) ? INT32_MAX - input.below(16) : input.below(64));
    for (int32_t t = 0; t < length; ++t) {
      step.token_ids.push_back(static_cast<int32_t>(input.below(1000)));
      step.positions.push_back(static_cast<int32_t>(static_cast<uint32_t>(first) + static_cast<uint32_t>(t)));
      if (input.rarely(4)) {
        step.logit_rows.push_back(step.offsets.back() + t);
      }
    }
    step.offsets.push_back(step.offsets.back() + length);
  }
  step.desc.pages_stride = 1 + input.below(kMaxPages);
  step.desc.num_sequences = sequences;
  step.desc.num_tokens = step.offsets.back();
  step.desc.num_logit_rows = static_cast<int64_t>(step.logit_rows.size());
  step.tables = input.array<int32_t>(groups * static_cast<size_t>(sequences * step.desc.pages_stride));
  return step;
}

void corrupt(Input& input, std::vector<int32_t>& values) {
  if (!values.empty()) {
    values[input.below(static_cast<uint32_t>(values.size()))] =
        input.rarely(2) ? input.value<int32_t>() : static_cast<int32_t>(extreme(input));
  }
}

/// Every array gets the length that its count claims, where the count is one that memory may hold. A count beyond that is
/// beyond the limits too, and refused before anything is read.
void fit(Step& step, uint32_t groups) {
  step.token_ids.resize(length_of(step.desc.num_tokens));
  step.positions.resize(length_of(step.desc.num_tokens));
  step.offsets.resize(length_of(step.desc.num_sequences) + 1);
  step.logit_rows.resize(length_of(step.desc.num_logit_rows));
  step.tables.resize(groups * length_of(step.desc.num_sequences) * length_of(step.desc.pages_stride));
  for (auto* array : {&step.token_ids, &step.positions, &step.offsets, &step.logit_rows, &step.tables}) {
    array->shrink_to_fit();
  }
}

Step make_step(Input& input, uint32_t groups) {
  Step step = well_formed(input, groups);
  msc_batch_desc& desc = step.desc;
  desc.struct_size = input.mostly<uint32_t>(sizeof(desc));
  desc.reserved = input.mostly<uint32_t>(0);
  switch (input.below(16)) {
    case 0: desc.num_tokens = extreme(input); break;
    case 1: desc.num_sequences = extreme(input); break;
    case 2: desc.num_logit_rows = extreme(input); break;
    case 3: desc.pages_stride = extreme(input); break;
    case 4: corrupt(input, step.token_ids); break;
    case 5: corrupt(input, step.positions); break;
    case 6:
    case 7: corrupt(input, step.offsets); break;
    case 8: corrupt(input, step.logit_rows); break;
    default: break;
  }
  fit(step, groups);
  const auto pointer = [&](const std::vector<int32_t>& array) {
    return array.empty() || input.rarely(32) ? nullptr : array.data();
  };
  desc.host_token_ids = pointer(step.token_ids);
  desc.host_positions = pointer(step.positions);
  desc.host_query_offsets = pointer(step.offsets);
  desc.host_logit_rows = pointer(step.logit_rows);
  desc.host_page_tables = pointer(step.tables);
  return step;
}

msc_batch_limits make_limits(Input& input) {
  msc_batch_limits limits = {};
  limits.struct_size = input.mostly<uint32_t>(sizeof(limits));
  limits.num_kv_groups = input.rarely(16) ? static_cast<uint32_t>(extreme(input)) : input.below(3);
  limits.max_tokens = input.rarely(16) ? extreme(input) : 1 + input.below(kMaxTokens);
  limits.max_sequences = input.rarely(16) ? extreme(input) : std::min<int64_t>(limits.max_tokens, 1 + input.below(8));
  limits.max_pages = input.rarely(16) ? extreme(input) : 1 + input.below(kMaxPages);
  return limits;
}

/// Limits that may be right and merely take gigabytes.
bool costs_memory_only(const msc_batch_limits& limits) {
  const auto large = [](int64_t value) { return value > 4 * kMaxTokens && value <= INT32_MAX; };
  return large(limits.max_tokens) || large(limits.max_pages);
}

void check_content(const msc_batch& batch) {
  require(batch.query_offsets.size() == static_cast<size_t>(batch.num_sequences) + 1, "offsets of another length");
  require(batch.query_offsets.front() == 0 && batch.query_offsets.back() == batch.num_tokens, "offsets that do not cover");
  for (size_t s = 0; s + 1 < batch.query_offsets.size(); ++s) {
    require(batch.query_offsets[s] < batch.query_offsets[s + 1], "an empty sequence");
  }
  for (const int32_t position : batch.positions) {
    require(position >= 0, "a negative position");
  }
  for (const int32_t row : batch.logit_rows) {
    require(row >= 0 && row < batch.num_tokens, "a logit row outside the batch");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Session session;
  Input input(data, size);
  const msc_batch_limits limits = make_limits(input);
  if (costs_memory_only(limits)) {
    return -1;
  }
  msc_batch* batch = nullptr;
  if (!accepted(msc_batch_create(session.device, &limits, &batch))) {
    return 0;
  }
  for (int updates = 0; updates < 3; ++updates) {
    const Step step = make_step(input, limits.num_kv_groups);
    const std::vector<int32_t> before = batch->token_ids;
    if (accepted(msc_batch_update(batch, session.stream, &step.desc))) {
      require(batch->num_tokens == step.desc.num_tokens, "another number of tokens");
      check_content(*batch);
    } else {
      require(batch->token_ids == before, "a refused update changed the batch");
    }
  }
  require_ok(msc_batch_destroy(batch), "msc_batch_destroy");
  return 0;
}
