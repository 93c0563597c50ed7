#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cpu/sampling/philox.h"
#include "cpu/sampling/sampling.h"
#include "cpu/sampling/select.h"

// Order and draw rule: src/decisions/sampling.md.
namespace msc::cpu {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();
constexpr double kOne = 0x1p40;  // weight of the most probable token

bool has_penalties(const msc_sampling_row& row) {
  return row.num_token_counts > 0 &&
         (row.repetition_penalty != 1.0f || row.presence_penalty != 0.0f || row.frequency_penalty != 0.0f);
}

float clean(float logit) {
  return std::isnan(logit) ? kBanned : std::min(logit, std::numeric_limits<float>::max());
}

void edit_logits(const msc_sampling_row& row, int64_t vocab_size, float* logits) {
  for (uint32_t i = 0; i < row.num_biases; ++i) {
    float& logit = logits[row.host_biases[i].id];
    logit = clean(logit + row.host_biases[i].bias);
  }
  if (has_penalties(row)) {
    for (uint32_t i = 0; i < row.num_token_counts; ++i) {
      const msc_token_count& count = row.host_token_counts[i];
      float logit = logits[count.id];
      if (count.total > 0) {
        logit = logit > 0.0f ? logit / row.repetition_penalty : logit * row.repetition_penalty;
      }
      if (count.generated > 0) {
        logit -= row.presence_penalty;
        logit -= row.frequency_penalty * static_cast<float>(count.generated);
      }
      logits[count.id] = clean(logit);
    }
  }
  if (row.host_mask != nullptr) {
    for (int64_t begin = 0; begin < vocab_size; begin += 32) {
      const uint32_t allowed = row.host_mask[begin / 32];
      if (allowed == ~0u) {
        continue;
      }
      const int64_t size = std::min<int64_t>(32, vocab_size - begin);
      for (int64_t i = 0; i < size; ++i) {
        if ((allowed >> i & 1u) == 0) {
          logits[begin + i] = kBanned;
        }
      }
    }
  }
}

/// floor(bits * total / 2^64): uniform in [0, total).
uint64_t scaled_draw(const msc_sampling_row& row, uint64_t total) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{draw_bits(row.seed, row.position, row.sample_index)} * total >> 64);
}

uint64_t prefix_target(float top_p, uint64_t total) {
  const double target = std::ceil(static_cast<double>(top_p) * static_cast<double>(total));
  return std::clamp<uint64_t>(static_cast<uint64_t>(target), 1, total);
}

uint64_t min_weight(float min_p) {
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(static_cast<double>(min_p) * kOne)));
}

/// Draws among the first `count` candidates, which are in order.
int32_t draw_of_top(const SamplingKernels& kernels, const msc_sampling_row& row, const SampleScratch& scratch,
                    int64_t count) {
  Candidate* top = scratch.candidates;
  const float greatest = top[0].logit;
  for (int64_t i = 0; i < count; ++i) {
    scratch.logits[i] = top[i].logit;
  }
  kernels.weigh(scratch.logits, count, greatest, row.temperature, scratch.weights);
  uint64_t total = 0;
  for (int64_t i = 0; i < count; ++i) {
    total += scratch.weights[i];
  }
  if (row.top_p < 1.0f) {
    const uint64_t target = prefix_target(row.top_p, total);
    int64_t kept = 0;
    for (uint64_t sum = 0; sum < target; ++kept) {
      sum += scratch.weights[kept];
    }
    count = kept;
  }
  // Weights fall (up to the last bit of e^x) with the order; the draw itself goes by ascending id.
  const uint64_t least = min_weight(row.min_p);
  uint64_t kept_total = 0;
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (scratch.weights[i] >= least) {
      kept_total += scratch.weights[i];
      // The place of its weight goes along with the token, in place of the logit, which has done its part.
      scratch.weights[kept] = scratch.weights[i];
      top[kept] = {std::bit_cast<float>(static_cast<int32_t>(kept)), top[i].id};
      ++kept;
    }
  }
  std::sort(top, top + kept, [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  uint64_t left = scaled_draw(row, kept_total);
  for (int64_t i = 0;; ++i) {
    const uint64_t weight = scratch.weights[std::bit_cast<int32_t>(top[i].logit)];
    if (left < weight) {
      return top[i].id;
    }
    left -= weight;
  }
}

/// Draws among all tokens of clean logits.
int32_t draw_of_all(const SamplingKernels& kernels, const msc_sampling_row& row, const SampleScratch& scratch,
                    int64_t vocab_size, float greatest) {
  uint64_t* weights = scratch.weights;
  kernels.weigh(scratch.logits, vocab_size, greatest, row.temperature, weights);
  uint64_t total = 0;
  for (int64_t i = 0; i < vocab_size; ++i) {
    total += weights[i];
  }
  if (row.top_p < 1.0f) {
    const Candidate last = find_prefix_end(scratch.logits, weights, vocab_size, greatest, row.temperature,
                                           prefix_target(row.top_p, total), scratch.candidates);
    for (int64_t i = 0; i < vocab_size; ++i) {
      if (comes_before(last, {scratch.logits[i], static_cast<int32_t>(i)})) {
        weights[i] = 0;
      }
    }
  }
  const uint64_t least = min_weight(row.min_p);
  total = 0;
  for (int64_t i = 0; i < vocab_size; ++i) {
    weights[i] = weights[i] >= least ? weights[i] : 0;
    total += weights[i];
  }
  uint64_t left = scaled_draw(row, total);
  int64_t id = 0;
  while (left >= weights[id]) {
    left -= weights[id++];
  }
  return static_cast<int32_t>(id);
}

}  // namespace

int32_t draw_row(const SamplingKernels& kernels, const float* logits, int64_t vocab_size, const msc_sampling_row& row,
                 const SampleScratch& scratch) {
  const bool greedy = row.temperature <= 0.0f;
  const bool edited = row.num_biases > 0 || has_penalties(row) || row.host_mask != nullptr;
  const bool top_only = row.top_k > 0 && row.top_k < vocab_size;
  if (edited || (!greedy && !top_only)) {
    kernels.clean(logits, vocab_size, scratch.logits);
    edit_logits(row, vocab_size, scratch.logits);
    logits = scratch.logits;
  }
  if (greedy) {
    return kernels.argmax(logits, vocab_size).id;
  }
  if (top_only) {
    const int64_t count = select_top(kernels, logits, vocab_size, row.top_k, scratch.candidates);
    return count == 0 ? -1 : draw_of_top(kernels, row, scratch, count);
  }
  const LogitStats best = kernels.argmax(logits, vocab_size);
  return best.id < 0 ? -1 : draw_of_all(kernels, row, scratch, vocab_size, best.greatest);
}

}  // namespace msc::cpu
