#include "tests/ops/sampling_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace optest {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

std::vector<double> as_doubles(const std::vector<float>& logits) {
  std::vector<double> result;
  for (const float x : logits) {
    result.push_back(std::isnan(x) ? kNever : static_cast<double>(x));
  }
  return result;
}

}  // namespace

msc_sampling_row RowSpec::row() const {
  msc_sampling_row row = {};
  row.struct_size = sizeof row;
  row.temperature = temperature;
  row.top_k = top_k;
  row.top_p = top_p;
  row.min_p = min_p;
  row.repetition_penalty = repetition_penalty;
  row.presence_penalty = presence_penalty;
  row.frequency_penalty = frequency_penalty;
  row.seed = seed;
  row.sample_index = sample_index;
  row.position = position;
  row.host_token_counts = counts.data();
  row.num_token_counts = static_cast<uint32_t>(counts.size());
  row.host_biases = biases.data();
  row.num_biases = static_cast<uint32_t>(biases.size());
  row.host_mask = mask.empty() ? nullptr : mask.data();
  return row;
}

std::vector<double> reference_distribution(const std::vector<float>& logits, const RowSpec& spec) {
  std::vector<double> x = as_doubles(logits);
  for (const msc_token_bias& bias : spec.biases) {
    x[static_cast<size_t>(bias.id)] += static_cast<double>(bias.bias);
  }
  for (const msc_token_count& count : spec.counts) {
    double& logit = x[static_cast<size_t>(count.id)];
    const auto repetition = static_cast<double>(spec.repetition_penalty);
    if (count.total > 0) {
      logit = logit > 0 ? logit / repetition : logit * repetition;
    }
    if (count.generated > 0) {
      logit -= static_cast<double>(spec.presence_penalty) + static_cast<double>(spec.frequency_penalty) * count.generated;
    }
  }
  for (size_t i = 0; i < x.size() && !spec.mask.empty(); ++i) {
    if ((spec.mask[i / 32] >> (i % 32) & 1u) == 0) {
      x[i] = kNever;
    }
  }
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] > x[b]; });
  if (spec.top_k > 0 && static_cast<size_t>(spec.top_k) < order.size()) {
    order.resize(static_cast<size_t>(spec.top_k));
  }
  const double greatest = x[order.front()];
  std::vector<double> p(x.size(), 0.0);
  double sum = 0;
  for (const size_t i : order) {
    p[i] = std::exp((x[i] - greatest) / static_cast<double>(spec.temperature));
    sum += p[i];
  }
  double before = 0;
  for (const size_t i : order) {
    if (before >= static_cast<double>(spec.top_p) * sum) {
      p[i] = 0;
    }
    before += p[i];
  }
  for (double& weight : p) {
    weight = weight < static_cast<double>(spec.min_p) ? 0 : weight;
  }
  sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& weight : p) {
    weight /= sum;
  }
  return p;
}

std::vector<double> reference_logprobs(const std::vector<float>& logits) {
  std::vector<double> x = as_doubles(logits);
  const double greatest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double logit : x) {
    sum += std::exp(logit - greatest);
  }
  for (double& logit : x) {
    logit = logit - greatest - std::log(sum);
  }
  return x;
}

}  // namespace optest
