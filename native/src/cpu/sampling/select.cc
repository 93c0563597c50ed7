#include "cpu/sampling/select.h"

#include <algorithm>
#include <array>
#include <limits>

namespace msc::cpu {
namespace {

// Buckets of a width of 1/8 in (greatest - logit) / temperature; weights vanish at 40 ln 2 = 27.7.
constexpr int kBucketsPerUnit = 8;
constexpr int kNumBuckets = 28 * kBucketsPerUnit;

int bucket_of(float logit, float greatest, float temperature) {
  const float distance = (greatest - logit) / temperature * kBucketsPerUnit;
  return distance < kNumBuckets - 1 ? static_cast<int>(distance) : kNumBuckets - 1;
}

}  // namespace

int64_t select_capacity(int64_t count, int64_t k) {
  return std::min(count, std::max<int64_t>(4 * std::min(k, count), 1024)) + kCollectStep;
}

int64_t select_top(const SamplingKernels& kernels, const float* logits, int64_t count, int64_t k, Candidate* candidates) {
  const int64_t capacity = select_capacity(count, k);
  k = std::min(k, count);
  float threshold = -std::numeric_limits<float>::infinity();
  int64_t found = 0;
  const auto keep_best = [&] {
    if (found > k) {
      std::nth_element(candidates, candidates + k - 1, candidates + found, comes_before);
      found = k;
      threshold = candidates[k - 1].logit;  // a later token of equal logit comes after
    }
  };
  for (int64_t i = 0; i < count;) {
    i = kernels.collect(logits, i, count, threshold, candidates, &found, capacity);
    keep_best();
  }
  std::sort(candidates, candidates + found, comes_before);
  return found;
}

Candidate find_prefix_end(const float* logits, const uint64_t* weights, int64_t count, float greatest, float temperature,
                          uint64_t target, Candidate* candidates) {
  std::array<uint64_t, kNumBuckets> mass = {};
  for (int64_t i = 0; i < count; ++i) {
    if (weights[i] != 0) {
      mass[static_cast<size_t>(bucket_of(logits[i], greatest, temperature))] += weights[i];
    }
  }
  uint64_t before = 0;
  int bucket = 0;
  while (before + mass[static_cast<size_t>(bucket)] < target) {
    before += mass[static_cast<size_t>(bucket++)];
  }
  int64_t end = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (weights[i] != 0 && bucket_of(logits[i], greatest, temperature) == bucket) {
      candidates[end++] = {logits[i], static_cast<int32_t>(i)};
    }
  }
  // Halves the range that holds the end; sums are integers, so that the order inside a half does not matter.
  int64_t begin = 0;
  while (end - begin > 64) {
    const int64_t middle = begin + (end - begin) / 2;
    std::nth_element(candidates + begin, candidates + middle, candidates + end, comes_before);
    uint64_t half = 0;
    for (int64_t i = begin; i < middle; ++i) {
      half += weights[candidates[i].id];
    }
    if (before + half >= target) {
      end = middle;
    } else {
      before += half;
      begin = middle;
    }
  }
  std::sort(candidates + begin, candidates + end, comes_before);
  while (begin + 1 < end && (before += weights[candidates[begin].id]) < target) {
    ++begin;
  }
  return candidates[begin];
}

}  // namespace msc::cpu
