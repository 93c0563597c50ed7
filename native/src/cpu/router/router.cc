#include "cpu/router/router.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace msc::cpu {
namespace {

// A call of fewer logits runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineLogits = 4096;
constexpr float kNever = -std::numeric_limits<float>::infinity();

int64_t rounded(int64_t count) { return (count + 15) / 16 * 16; }

/// Keeps the `limit` greatest values in descending order; on a tie the one offered first stays ahead.
class TopList {
 public:
  TopList(int32_t* ids, float* values, int64_t limit) : ids_(ids), values_(values), limit_(limit) {}

  void offer(int32_t id, float value) {
    if (size_ == limit_ && !(value > values_[size_ - 1])) {
      return;
    }
    int64_t i = size_ < limit_ ? size_++ : size_ - 1;
    for (; i > 0 && value > values_[i - 1]; --i) {
      ids_[i] = ids_[i - 1];
      values_[i] = values_[i - 1];
    }
    ids_[i] = id;
    values_[i] = value;
  }

 private:
  int32_t* ids_;
  float* values_;
  int64_t limit_;
  int64_t size_ = 0;
};

struct Scratch {
  Scratch(float* base, const RouterRule& rule) {
    const auto take = [&](int64_t floats) {
      float* part = base == nullptr ? nullptr : base + size;
      size += rounded(floats);
      return part;
    };
    p = take(rule.num_experts);
    selection = take(rule.num_experts);
    top_values = take(std::max(rule.top_k, rule.num_groups));
    groups = reinterpret_cast<int32_t*>(take(rule.num_groups));
    chosen = take(rule.top_k);
  }
  float* p;           // scores
  float* selection;   // scores with the bias, NaN as -infinity
  float* top_values;
  int32_t* groups;
  float* chosen;      // logits or weights of the chosen
  int64_t size = 0;
};

float group_score(const RouterRule& rule, const float* selection, int64_t group) {
  const int64_t size = rule.num_experts / rule.num_groups;
  float first = kNever;
  float second = kNever;
  for (int64_t e = group * size; e < (group + 1) * size; ++e) {
    if (selection[e] > first) {
      second = first;
      first = selection[e];
    } else if (selection[e] > second) {
      second = selection[e];
    }
  }
  return rule.group_rule == MSC_ROUTER_GROUP_RULE_MAX ? first : first + second;
}

void choose(const RouterRule& rule, const Scratch& scratch, int32_t* ids) {
  int64_t num_kept = 1;
  scratch.groups[0] = 0;
  if (rule.num_groups > 1) {
    num_kept = rule.kept_groups;
    TopList best(scratch.groups, scratch.top_values, num_kept);
    for (int64_t g = 0; g < rule.num_groups; ++g) {
      best.offer(static_cast<int32_t>(g), group_score(rule, scratch.selection, g));
    }
    std::sort(scratch.groups, scratch.groups + num_kept);  // experts are offered by ascending index: ties go to the lower
  }
  const int64_t size = rule.num_experts / rule.num_groups;
  TopList best(ids, scratch.top_values, rule.top_k);
  for (int64_t i = 0; i < num_kept; ++i) {
    const int64_t begin = scratch.groups[i] * size;
    for (int64_t e = begin; e < begin + size; ++e) {
      best.offer(static_cast<int32_t>(e), scratch.selection[e]);
    }
  }
}

}  // namespace

int64_t router_scratch_floats(const RouterRule& rule) { return Scratch(nullptr, rule).size; }

void route_row(RouterScores scores, const RouterRule& rule, const float* logits, const int32_t* forced, int32_t* ids,
               float* weights, float* scratch_base) {
  const Scratch scratch(scratch_base, rule);
  const bool of_chosen = rule.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN;
  if (!of_chosen) {
    scores(logits, rule.num_experts, rule.score, scratch.p);
  }
  const float* p = of_chosen ? logits : scratch.p;
  if (forced != nullptr) {
    std::copy(forced, forced + rule.top_k, ids);
  } else {
    for (int64_t e = 0; e < rule.num_experts; ++e) {
      const float s = rule.selection_bias == nullptr ? p[e] : p[e] + rule.selection_bias[e];
      scratch.selection[e] = std::isnan(s) ? kNever : s;
    }
    choose(rule, scratch, ids);
  }
  for (int64_t k = 0; k < rule.top_k; ++k) {
    scratch.chosen[k] = p[ids[k]];
  }
  const float* chosen = scratch.chosen;
  if (of_chosen) {
    // top_k <= num_experts, so that p has room.
    scores(scratch.chosen, rule.top_k, MSC_ROUTER_SCORE_SOFTMAX, scratch.p);
    chosen = scratch.p;
  }
  float sum = 0.0f;
  for (int64_t k = 0; k < rule.top_k; ++k) {
    sum += chosen[k];
  }
  for (int64_t k = 0; k < rule.top_k; ++k) {
    const float weight = rule.normalise ? chosen[k] / (sum + rule.norm_eps) : chosen[k];
    weights[k] = weight * rule.scale;
  }
}

RouterScores router_scores(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return router_scores_avx512;
  }
  if (isa == MSC_ISA_AVX2) {
    return router_scores_avx2;
  }
#endif
  static_cast<void>(isa);
  return router_scores_portable;
}

void route(msc_stream& stream, const RouterRule& rule, Matrix<const float> logits, Matrix<const int32_t> forced,
           Matrix<int32_t> ids, Matrix<float> weights) {
  const RouterScores scores = router_scores(stream.device->isa);
  ThreadPool& pool = stream.device->pool;
  const int64_t thread_floats = router_scratch_floats(rule);
  auto* scratch =
      reinterpret_cast<float*>(stream.scratch(static_cast<size_t>(thread_floats) * sizeof(float) * pool.num_threads()));
  const auto rows = [&](unsigned thread, Range range) {
    for (int64_t r = range.begin; r < range.end; ++r) {
      route_row(scores, rule, logits.row(r), forced ? forced.row(r) : nullptr, ids.row(r), weights.row(r),
                scratch + thread_floats * thread);
    }
  };
  if (pool.num_threads() == 1 || logits.rows * logits.cols < kInlineLogits) {
    rows(0, {0, logits.rows});
    return;
  }
  pool.run([&](unsigned thread) { rows(thread, split_range(logits.rows, thread, pool.num_threads())); });
}

}  // namespace msc::cpu
