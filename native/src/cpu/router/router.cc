#include "cpu/router/router.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/section.h"
#include "cpu/router/row.h"

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

void choose(const RouterRule& rule, const RouterRow& row, int32_t* ids) {
  TopList best(ids, row.top_values, rule.top_k);
  for_each_eligible(rule, row, [&](int32_t expert) { best.offer(expert, row.selection[expert]); });
}

}  // namespace

RouterRow::RouterRow(float* base, const RouterRule& rule) {
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

int64_t router_scratch_floats(const RouterRule& rule) { return RouterRow(nullptr, rule).size; }

const float* score_row(RouterScores scores, const RouterRule& rule, const float* logits, const RouterRow& row) {
  if (rule.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN) {
    return logits;
  }
  scores(logits, rule.num_experts, rule.score, row.p);
  return row.p;
}

void rank_row(const RouterRule& rule, const float* p, RouterRow& row) {
  for (int64_t e = 0; e < rule.num_experts; ++e) {
    const float s = rule.selection_bias == nullptr ? p[e] : p[e] + rule.selection_bias[e];
    row.selection[e] = std::isnan(s) ? kNever : s;
  }
  row.num_kept = 1;
  row.groups[0] = 0;
  if (rule.num_groups > 1) {
    row.num_kept = rule.kept_groups;
    TopList best(row.groups, row.top_values, row.num_kept);
    for (int64_t g = 0; g < rule.num_groups; ++g) {
      best.offer(static_cast<int32_t>(g), group_score(rule, row.selection, g));
    }
    std::sort(row.groups, row.groups + row.num_kept);  // experts are offered by ascending index: ties go to the lower
  }
}

void weigh_row(RouterScores scores, const RouterRule& rule, const float* p, const int32_t* ids, const RouterRow& row,
               float* weights) {
  int64_t num_chosen = 0;
  for (int64_t k = 0; k < rule.top_k; ++k) {
    if (ids[k] >= 0) {
      row.chosen[num_chosen++] = p[ids[k]];
    }
  }
  const float* chosen = row.chosen;
  if (rule.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN && num_chosen > 0) {
    // top_k <= num_experts, so that p has room.
    scores(row.chosen, num_chosen, MSC_ROUTER_SCORE_SOFTMAX, row.p);
    chosen = row.p;
  }
  float sum = 0.0f;
  for (int64_t k = 0; k < num_chosen; ++k) {
    sum += chosen[k];
  }
  for (int64_t k = 0, next = 0; k < rule.top_k; ++k) {
    weights[k] = 0.0f;
    if (ids[k] >= 0) {
      const float weight = rule.normalise ? chosen[next] / (sum + rule.norm_eps) : chosen[next];
      weights[k] = weight * rule.scale;
      ++next;
    }
  }
}

void route_row(RouterScores scores, const RouterRule& rule, const float* logits, const int32_t* forced, int32_t* ids,
               float* weights, float* scratch) {
  RouterRow row(scratch, rule);
  const float* p = score_row(scores, rule, logits, row);
  if (forced != nullptr) {
    std::copy(forced, forced + rule.top_k, ids);
  } else {
    rank_row(rule, p, row);
    choose(rule, row, ids);
  }
  weigh_row(scores, rule, p, ids, row, weights);
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
  const int64_t thread_floats = router_scratch_floats(rule);
  auto* scratch =
      reinterpret_cast<float*>(stream.scratch(static_cast<size_t>(thread_floats) * sizeof(float) * stream.device->pool.num_threads()));
  const bool alone = logits.rows * logits.cols < kInlineLogits;
  for_each_range(stream, logits.rows, alone, [=](unsigned thread, Range range) {
    for (int64_t r = range.begin; r < range.end; ++r) {
      route_row(scores, rule, logits.row(r), forced ? forced.row(r) : nullptr, ids.row(r), weights.row(r),
                scratch + thread_floats * thread);
    }
  });
}

}  // namespace msc::cpu
