#pragma once

#include <cstdint>

#include "cpu/router/router.h"

namespace msc::cpu {

/// What one row of logits is ranked with; laid out in router_scratch_floats(rule) floats.
struct RouterRow {
  /// @param base NULL: to learn the size alone.
  RouterRow(float* base, const RouterRule& rule);

  float* p;            // [num_experts] scores
  float* selection;    // [num_experts] scores with the bias, NaN as -infinity
  float* top_values;
  int32_t* groups;     // [num_kept] groups whose experts are eligible, ascending
  float* chosen;       // [top_k] logits or scores of the kept choices
  int64_t num_kept = 0;
  int64_t size = 0;    // floats
};

/// Scores of one row; with the softmax of the chosen, its logits.
const float* score_row(RouterScores scores, const RouterRule& rule, const float* logits, const RouterRow& row);

/// Fills selection scores and eligible groups from what score_row returned.
void rank_row(const RouterRule& rule, const float* p, RouterRow& row);

/// Calls f(expert) for every eligible one, ascending.
template <class F>
void for_each_eligible(const RouterRule& rule, const RouterRow& row, F&& f) {
  const int64_t size = rule.num_experts / rule.num_groups;
  for (int64_t i = 0; i < row.num_kept; ++i) {
    const int64_t begin = row.groups[i] * size;
    for (int64_t e = begin; e < begin + size; ++e) {
      f(static_cast<int32_t>(e));
    }
  }
}

/// Weights of a row's choices; an id of -1 weighs 0 and has no part in the sum. Overwrites row.p with the softmax of the
/// chosen.
void weigh_row(RouterScores scores, const RouterRule& rule, const float* p, const int32_t* ids, const RouterRow& row,
               float* weights);

}  // namespace msc::cpu
