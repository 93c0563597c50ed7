#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "moesaic/moe.h"

namespace msc::cpu {

/// How experts are chosen from logits; see msc_router_params.
struct RouterRule {
  int32_t score;
  int32_t group_rule;
  int64_t num_experts;
  int64_t num_groups;   // 1: no groups
  int64_t kept_groups;
  int64_t top_k;
  bool normalise;
  float norm_eps;
  float scale;
  const float* selection_bias;  // [num_experts] or NULL
};

/// Memory that one thread needs to route.
int64_t router_scratch_floats(const RouterRule& rule);

/// p = score(z) of one row; p has room for num_experts rounded up to 16.
using RouterScores = void (*)(const float* logits, int64_t count, int32_t score, float* p);

/// Chooses the experts of one row and weighs them. `forced`: choices to weigh instead (-1: none), or NULL. Logits that are NaN are
/// chosen last; ids are valid and distinct in any case.
void route_row(RouterScores scores, const RouterRule& rule, const float* logits, const int32_t* forced, int32_t* ids,
               float* weights, float* scratch);

/// All rows.
void route(msc_stream& stream, const RouterRule& rule, Matrix<const float> logits, Matrix<const int32_t> forced,
           Matrix<int32_t> ids, Matrix<float> weights);

RouterScores router_scores(int32_t isa);
void router_scores_portable(const float* logits, int64_t count, int32_t score, float* p);
void router_scores_avx2(const float* logits, int64_t count, int32_t score, float* p);
void router_scores_avx512(const float* logits, int64_t count, int32_t score, float* p);

}  // namespace msc::cpu
