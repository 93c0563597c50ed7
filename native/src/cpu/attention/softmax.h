#pragma once

#include <cstdint>

#include "cpu/attention/block.h"
#include "cpu/attention/tiles.h"
#include "cpu/vec/math.h"

namespace msc::cpu {

/// Largest score and sum of e^(score - largest) of the positions seen so far.
struct SoftmaxState {
  float maximum;
  float sum;

  [[gnu::always_inline]] static SoftmaxState empty() { return {0.0f, -1.0f}; }
  [[gnu::always_inline]] bool is_empty() const { return sum < 0.0f; }
};

template <class S>
float exp_scalar(float x) {
  float lanes[S::kLanes];
  S::store(lanes, exp<S>(S::set1(x)));
  return lanes[0];
}

/// Turns a row's scores of one chunk into weights e^(score - maximum). Lanes are positions modulo 16 and unseen ones add
/// an exact zero, so the sum has the same bits whatever part of the chunk was computed around them.
/// With scales (int8), scores are multiplied by the keys' and weights, after the sum, by the values'.
/// The bias comes after the keys' scales.
template <class S>
SoftmaxState softmax_row(float* scores, VisibleRange range, RowBias bias, const float* const* key_scales,
                         const float* const* value_scales) {
  using Vec = typename S::Vec;
  constexpr int kVectors = kGroupVectors<S>;
  const int64_t group_begin = range.begin / kKvGroup;
  const int64_t group_end = (range.end + kKvGroup - 1) / kKvGroup;
  if (key_scales != nullptr) {
    for (int64_t g = group_begin; g < group_end; ++g) {
      for (int64_t i = 0; i < kKvGroup; i += S::kLanes) {
        float* score = scores + g * kKvGroup + i;
        S::store(score, S::mul(S::load(score), S::load(key_scales[g] + i)));
      }
    }
  }
  if (bias.values != nullptr) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int64_t distance = bias.distance + i;
      const int64_t clamped = distance < -bias.reach ? -bias.reach : distance > bias.reach ? bias.reach : distance;
      scores[i] += bias.values[clamped + bias.reach];
    }
  }
  for (int64_t i = group_begin * kKvGroup; i < range.begin; ++i) {
    scores[i] = -__builtin_inff();
  }
  for (int64_t i = range.end; i < group_end * kKvGroup; ++i) {
    scores[i] = -__builtin_inff();
  }
  Vec largest[kVectors];
  Vec sum[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    largest[v] = S::set1(-__builtin_inff());
    sum[v] = S::zero();
  }
  for (int64_t g = group_begin; g < group_end; ++g) {
    for (int v = 0; v < kVectors; ++v) {
      largest[v] = S::max(largest[v], S::load(scores + g * kKvGroup + v * S::kLanes));
    }
  }
  for (int v = 1; v < kVectors; ++v) {
    largest[0] = S::max(largest[0], largest[v]);
  }
  const float maximum = S::reduce_max(largest[0]);
  const Vec shift = S::set1(maximum);
  for (int64_t g = group_begin; g < group_end; ++g) {
    for (int v = 0; v < kVectors; ++v) {
      float* score = scores + g * kKvGroup + v * S::kLanes;
      Vec weight = exp<S>(S::sub(S::load(score), shift));
      sum[v] = S::add(sum[v], weight);
      if (value_scales != nullptr) {
        weight = S::mul(weight, S::load(value_scales[g] + v * S::kLanes));
      }
      S::store(score, weight);
    }
  }
  for (int v = 1; v < kVectors; ++v) {
    sum[0] = S::add(sum[0], sum[v]);
  }
  return {maximum, S::reduce_add(sum[0])};
}

/// Adds a chunk to what was folded of the chunks left of it; the first chunk is copied.
template <class S>
void fold_row(SoftmaxState& state, float* folded, SoftmaxState chunk, const float* sums, int64_t count) {
  using Vec = typename S::Vec;
  if (state.is_empty()) {
    state = chunk;
    for (int64_t i = 0; i < count; i += S::kLanes) {
      S::store(folded + i, S::load(sums + i));
    }
    return;
  }
  const float maximum = chunk.maximum > state.maximum ? chunk.maximum : state.maximum;
  const float old_factor = exp_scalar<S>(state.maximum - maximum);
  const float new_factor = exp_scalar<S>(chunk.maximum - maximum);
  state = {maximum, state.sum * old_factor + chunk.sum * new_factor};
  const Vec old_factors = S::set1(old_factor);
  const Vec new_factors = S::set1(new_factor);
  for (int64_t i = 0; i < count; i += S::kLanes) {
    S::store(folded + i, S::fma(S::load(sums + i), new_factors, S::mul(S::load(folded + i), old_factors)));
  }
}

/// 1 / denominator, which a sink's logit joins with no value of its own (attention sinks of GPT-OSS).
template <class S>
float final_factor(SoftmaxState state, const float* sink) {
  if (sink == nullptr) {
    return 1.0f / state.sum;
  }
  const float maximum = *sink > state.maximum ? *sink : state.maximum;
  const float factor = exp_scalar<S>(state.maximum - maximum);
  return factor / (state.sum * factor + exp_scalar<S>(*sink - maximum));
}

}  // namespace msc::cpu
