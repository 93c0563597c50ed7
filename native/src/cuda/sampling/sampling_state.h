#pragma once

#include <cstdint>

namespace msc::cuda {

// What the launches of one call leave for each other, per row.

/// A block of kSampleThreads threads reads kChunk columns, kChunkItems a thread. Neither follows the batch: the sums of a
/// row are made of the same parts alone and in company.
inline constexpr int kSampleThreads = 256;
inline constexpr int kChunk = 4096;
inline constexpr int kChunkItems = kChunk / kSampleThreads;

/// Up to this top-k (and number of top log-probabilities) each chunk lists what could be among the first of the row.
inline constexpr int kListed = 256;

/// The type that 64-bit atomics take.
using Mass = unsigned long long;

/// A token: `key` orders as its logit does.
struct SampleEntry {
  uint32_t key;
  int32_t id;
};

/// Of logits as they came: the greatest, and the sum of e^(logit - greatest).
struct alignas(16) RawMeasure {
  double sum;
  float greatest;
};

struct SampleChunk {
  Mass best;           // key of the greatest logit as it is drawn, then ~id: the lowest id of several
  Mass total;          // weights of all tokens
  Mass mass;           // weights of those that are known to be drawn from
  RawMeasure raw;      // written where log-probabilities are wanted
  uint32_t least_key;  // of tokens above -infinity
  uint32_t num_listed;
  uint32_t num_raw_listed;
};

struct SampleRowState {
  Mass buckets[kSampleThreads];  // weights by distance from the greatest logit
  uint32_t num_candidates;       // tokens of the bucket in which the top-p prefix ends; may exceed what the list holds
  uint32_t unused;
};

}  // namespace msc::cuda
