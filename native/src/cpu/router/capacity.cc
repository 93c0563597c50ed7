#include "cpu/router/capacity.h"

#include <algorithm>
#include <cmath>

#include "core/section.h"
#include "cpu/router/row.h"
#include "cpu/router/routing_state.h"

namespace msc::cpu {
namespace {

/// A choice whose expert was full and that waits to be offered again. The expert is kept in it.
int32_t waiting(int32_t expert) { return -2 - expert; }
bool is_waiting(int32_t id) { return id <= -2; }
int32_t expert_of_waiting(int32_t id) { return -2 - id; }

/// The tokens of one sequence in a step.
class SequenceQueue {
 public:
  SequenceQueue(RouterScores scores, const RouterRule& rule, const CapacityRule& limits, Matrix<const float> logits,
                Matrix<int32_t> ids, Matrix<float> weights, Range tokens, int32_t* counts, int64_t capacity,
                float* row_scratch)
      : scores_(scores), rule_(rule), limits_(limits), logits_(logits), ids_(ids), weights_(weights), tokens_(tokens),
        counts_(counts), capacity_(capacity), row_(row_scratch, rule) {}

  void run() {
    if (limits_.queue == MSC_ROUTER_QUEUE_BY_CHOICE) {
      for (int64_t k = 0; k < rule_.top_k; ++k) {
        for (int64_t t = tokens_.begin; t < tokens_.end; ++t) {
          offer(t, k);
        }
      }
    } else {
      for (int64_t t = tokens_.begin; t < tokens_.end; ++t) {
        for (int64_t k = 0; k < rule_.top_k; ++k) {
          offer(t, k);
        }
      }
    }
    if (limits_.overflow == MSC_ROUTER_OVERFLOW_REROUTE) {
      for (int64_t t = tokens_.begin; t < tokens_.end; ++t) {
        reroute(t);
      }
    }
  }

 private:
  bool has_room(int32_t expert) const { return counts_[expert] < capacity_; }

  void offer(int64_t token, int64_t k) {
    int32_t& id = ids_.row(token)[k];
    if (has_room(id)) {
      ++counts_[id];
      return;
    }
    switch (limits_.overflow) {
      case MSC_ROUTER_OVERFLOW_NEXT_BEST:
        rank(token);
        id = best([&](int32_t expert) { return has_room(expert) && !is_choice(token, expert); });
        if (id >= 0) {
          ++counts_[id];
        }
        weigh(token);
        break;
      case MSC_ROUTER_OVERFLOW_REROUTE:
        id = waiting(id);
        break;
      default:
        id = kNoChoice;
        weigh(token);
    }
  }

  void reroute(int64_t token) {
    int32_t* ids = ids_.row(token);
    if (std::none_of(ids, ids + rule_.top_k, is_waiting)) {
      return;
    }
    rank(token);
    for (int64_t k = 0; k < rule_.top_k; ++k) {
      const int32_t expert = is_waiting(ids[k]) ? expert_of_waiting(ids[k]) : ids[k];
      row_.selection[expert] = std::nanf("");  // offered
    }
    for (int64_t k = 0; k < rule_.top_k; ++k) {
      if (!is_waiting(ids[k])) {
        continue;
      }
      const int32_t next = best([&](int32_t expert) { return !std::isnan(row_.selection[expert]); });
      ids[k] = kNoChoice;
      if (next >= 0) {
        row_.selection[next] = std::nanf("");
        if (has_room(next)) {
          ids[k] = next;
          ++counts_[next];
        }
      }
    }
    weigh(token);
  }

  void rank(int64_t token) {
    rank_row(rule_, score_row(scores_, rule_, logits_.row(token), row_), row_);
  }

  void weigh(int64_t token) {
    const float* p = score_row(scores_, rule_, logits_.row(token), row_);
    weigh_row(scores_, rule_, p, ids_.row(token), row_, weights_.row(token));
  }

  bool is_choice(int64_t token, int32_t expert) const {
    const int32_t* ids = ids_.row(token);
    return std::find(ids, ids + rule_.top_k, expert) != ids + rule_.top_k;
  }

  /// The eligible expert of the highest selection score that passes, the lower index on a tie; -1 without one.
  template <class Filter>
  int32_t best(Filter&& passes) const {
    int32_t found = kNoChoice;
    for_each_eligible(rule_, row_, [&](int32_t expert) {
      if (passes(expert) && (found < 0 || row_.selection[expert] > row_.selection[found])) {
        found = expert;
      }
    });
    return found;
  }

  const RouterScores scores_;
  const RouterRule& rule_;
  const CapacityRule& limits_;
  const Matrix<const float> logits_;
  const Matrix<int32_t> ids_;
  const Matrix<float> weights_;
  const Range tokens_;
  int32_t* const counts_;  // [num_experts] so far
  const int64_t capacity_;
  RouterRow row_;
};

int64_t capacity_of(const RouterRule& rule, const CapacityRule& limits, int64_t length) {
  if (limits.factor == 0.0) {
    return limits.capacity;
  }
  const double spread = limits.factor * static_cast<double>(length) * static_cast<double>(rule.top_k) /
                        static_cast<double>(rule.num_experts);
  // More than one choice of every position is never needed.
  return std::max(limits.capacity, static_cast<int64_t>(std::min(std::ceil(spread), static_cast<double>(length))));
}

}  // namespace

void apply_capacity(msc_stream& stream, const RouterRule& rule, const CapacityRule& limits, bool limited,
                    Matrix<const float> logits, Matrix<int32_t> ids, Matrix<float> weights) {
  wait_for_ops(stream);  // Counts follow from the choices of the op before, token by token.
  const msc_batch& batch = *limits.batch;
  const auto row_bytes = static_cast<size_t>(router_scratch_floats(rule)) * sizeof(float);
  const auto count_bytes = static_cast<size_t>(rule.num_experts) * sizeof(int32_t);
  std::byte* scratch = stream.scratch(row_bytes + 2 * count_bytes);
  auto* before = reinterpret_cast<int32_t*>(scratch + row_bytes);
  int32_t* counts = before + rule.num_experts;
  for (int64_t s = 0; s < batch.num_sequences; ++s) {
    const Range tokens{batch.query_offsets[static_cast<size_t>(s)], batch.query_offsets[static_cast<size_t>(s) + 1]};
    if (tokens.begin == tokens.end) {
      continue;
    }
    const int64_t position = batch.positions[static_cast<size_t>(tokens.begin)];
    const RoutingState state(*limits.cache, batch.pages(limits.cache->layout.group, s), limits.layer, rule.num_experts);
    state.load(position, before);
    if (limited) {
      std::copy(before, before + rule.num_experts, counts);
      const int64_t capacity = capacity_of(rule, limits, position + tokens.end - tokens.begin);
      SequenceQueue(router_scores(stream.device->isa), rule, limits, logits, ids, weights, tokens, counts, capacity,
                    reinterpret_cast<float*>(scratch))
          .run();
    }
    for (int64_t t = tokens.begin; t < tokens.end; ++t) {
      state.store(position + t - tokens.begin, ids.row(t), rule.top_k, before);
    }
  }
}

}  // namespace msc::cpu
