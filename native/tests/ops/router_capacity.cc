#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "moesaic/moe.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

constexpr int64_t kPageTokens = 16;
constexpr int64_t kLayers = 2;
constexpr int64_t kLayer = 1;

struct CapacityShape {
  int32_t overflow = MSC_ROUTER_OVERFLOW_DROP;
  int32_t queue = MSC_ROUTER_QUEUE_BY_TOKEN;
  int32_t top_k = 2;
  int64_t capacity = 5;
  float factor = 0.0f;
  int32_t score = MSC_ROUTER_SCORE_SOFTMAX;
  bool normalise = true;
  int32_t groups = 1;
  int32_t kept_groups = 1;
  int64_t experts = 8;

  /// Whether a step's division into chunks has no part in the result.
  bool free_of_chunks() const {
    return overflow != MSC_ROUTER_OVERFLOW_REROUTE && factor == 0.0f && (queue == MSC_ROUTER_QUEUE_BY_TOKEN || top_k == 1);
  }
  std::string name() const {
    static constexpr const char* kRules[] = {"", "drop", "next_best", "reroute"};
    std::string result = text(kRules[overflow], queue == MSC_ROUTER_QUEUE_BY_CHOICE ? "_by_choice" : "_by_token", "_top",
                              top_k, "_of", experts, "_capacity", capacity, "_score", score);
    if (factor > 0) {
      result += text("_factor", static_cast<int>(factor * 100));
    }
    if (groups > 1) {
      result += text("_groups", groups);
    }
    return normalise ? result : result + "_raw";
  }
};

/// One sequence's choices, computed step by step with lists and sorts.
class PlainRouter {
 public:
  explicit PlainRouter(const CapacityShape& shape) : shape_(shape), taken_(static_cast<size_t>(shape.experts)) {}

  void step(const std::vector<std::vector<double>>& logits) {
    length_ += logits.size();
    std::vector<std::vector<int32_t>> rankings;
    std::vector<std::vector<int32_t>> kept(logits.size(), std::vector<int32_t>(static_cast<size_t>(shape_.top_k), -1));
    for (const std::vector<double>& z : logits) {
      rankings.push_back(ranking(scores(z)));
    }
    std::vector<std::pair<size_t, size_t>> offers;
    for (size_t i = 0; i < logits.size() * static_cast<size_t>(shape_.top_k); ++i) {
      const auto k = static_cast<size_t>(shape_.top_k);
      offers.push_back(shape_.queue == MSC_ROUTER_QUEUE_BY_TOKEN ? std::pair(i / k, i % k)
                                                                 : std::pair(i % logits.size(), i / logits.size()));
    }
    std::vector<std::pair<size_t, size_t>> again;
    for (const auto& [t, k] : offers) {
      const int32_t first = rankings[t][k];
      if (take(first)) {
        kept[t][k] = first;
      } else if (shape_.overflow == MSC_ROUTER_OVERFLOW_REROUTE) {
        again.emplace_back(t, k);
      } else if (shape_.overflow == MSC_ROUTER_OVERFLOW_NEXT_BEST) {
        // The token's other choices are not looked at: they are its own already.
        for (auto expert = rankings[t].begin() + shape_.top_k; expert != rankings[t].end() && kept[t][k] < 0; ++expert) {
          if (std::find(kept[t].begin(), kept[t].end(), *expert) == kept[t].end() && take(*expert)) {
            kept[t][k] = *expert;
          }
        }
      }
    }
    std::sort(again.begin(), again.end());
    std::vector<size_t> next(logits.size(), static_cast<size_t>(shape_.top_k));
    for (const auto& [t, k] : again) {
      if (next[t] < rankings[t].size()) {
        const int32_t expert = rankings[t][next[t]++];
        kept[t][k] = take(expert) ? expert : -1;
      }
    }
    for (size_t t = 0; t < logits.size(); ++t) {
      ids.insert(ids.end(), kept[t].begin(), kept[t].end());
      weigh(scores(logits[t]), kept[t]);
    }
  }

  std::vector<int32_t> ids;
  std::vector<double> weights;

 private:
  std::vector<double> scores(const std::vector<double>& z) const {
    std::vector<double> p = z;
    double sum = 0;
    for (const double x : z) {
      sum += std::exp(x);
    }
    for (double& x : p) {
      x = shape_.score == MSC_ROUTER_SCORE_SOFTMAX   ? std::exp(x) / sum
          : shape_.score == MSC_ROUTER_SCORE_SIGMOID ? 1.0 / (1.0 + std::exp(-x))
                                                     : x;
    }
    return p;
  }

  std::vector<int32_t> ranking(const std::vector<double>& p) const {
    std::vector<int32_t> order(p.size());
    std::iota(order.begin(), order.end(), 0);
    const auto size = static_cast<int32_t>(shape_.experts) / shape_.groups;
    std::vector<std::pair<double, int32_t>> groups;
    for (int32_t g = 0; g < shape_.groups; ++g) {
      groups.emplace_back(-*std::max_element(p.begin() + g * size, p.begin() + (g + 1) * size), g);
    }
    std::sort(groups.begin(), groups.end());
    groups.resize(static_cast<size_t>(shape_.kept_groups));
    std::erase_if(order, [&](int32_t e) {
      return std::none_of(groups.begin(), groups.end(), [&](const auto& group) { return group.second == e / size; });
    });
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return p[static_cast<size_t>(a)] > p[static_cast<size_t>(b)]; });
    return order;
  }

  bool take(int32_t expert) {
    const double room = std::max(static_cast<double>(shape_.capacity),
                                 std::ceil(static_cast<double>(shape_.factor) * static_cast<double>(length_) *
                                           static_cast<double>(shape_.top_k) / static_cast<double>(shape_.experts)));
    int64_t& taken = taken_[static_cast<size_t>(expert)];
    if (static_cast<double>(taken) >= room) {
      return false;
    }
    ++taken;
    return true;
  }

  void weigh(const std::vector<double>& p, const std::vector<int32_t>& kept) {
    double sum = 0;
    std::vector<double> row;
    for (const int32_t expert : kept) {
      const double score = expert < 0 ? 0.0 : p[static_cast<size_t>(expert)];
      row.push_back(expert < 0                                            ? 0.0
                    : shape_.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN ? std::exp(score)
                                                                          : score);
      sum += row.back();
    }
    for (const double weight : row) {
      const bool divide = shape_.normalise || shape_.score == MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN;
      weights.push_back(divide && sum > 0 ? weight / sum : weight);
    }
  }

  CapacityShape shape_;
  size_t length_ = 0;
  std::vector<int64_t> taken_;
};

struct Part {
  size_t sequence;
  int64_t begin;
  int64_t end;
};

/// Sequences of random logits; the weight is the identity, so that inputs are logits.
class CapacityRig {
 public:
  CapacityRig(Session& session, const CapacityShape& shape, const std::vector<int64_t>& lengths)
      : session_(session), shape_(shape) {
    std::vector<float> identity(static_cast<size_t>(shape.experts * shape.experts), 0.0f);
    for (int64_t e = 0; e < shape.experts; ++e) {
      identity[static_cast<size_t>(e * shape.experts + e)] = 1.0f;
    }
    weight_ = make_float_weight(session, MSC_FORMAT_F32, shape.experts, shape.experts, identity);
    int32_t page = 0;
    for (const int64_t length : lengths) {
      logits_.push_back(session.rng().normals(length * shape.experts));
      for (size_t i = 0; i < logits_.back().size(); ++i) {
        // Some experts are wanted by most, so that they overflow.
        logits_.back()[i] += i % static_cast<size_t>(shape.experts) < 2 ? 1.5f : 0.0f;
      }
      pages_.emplace_back();
      for (int64_t first = 0; first < length; first += kPageTokens) {
        pages_.back().push_back(page++);
      }
    }
    spare_page_ = page;
    msc_kv_cache_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.format = MSC_FORMAT_F32;
    desc.num_layers = kLayers;
    desc.num_kv_heads = 1;
    desc.k_width = 16;
    desc.v_width = 16;
    desc.page_tokens = kPageTokens;
    desc.num_pages = page + 1;
    desc.routed_experts = shape.experts + 1;  // more than this layer needs
    desc.routed_choices = shape.top_k + 1;
    EXPECT_EQ(msc_kv_cache_create(session.device(), &desc, &cache_), MSC_STATUS_OK) << last_error_text();
    session.keep([cache = cache_] { msc_kv_cache_destroy(cache); });
  }

  struct Result {
    std::vector<int32_t> ids;
    std::vector<float> weights;
  };

  msc_batch* batch_of(const std::vector<Part>& parts) {
    std::vector<Sequence> batch;
    for (const Part& part : parts) {
      Sequence sequence;
      sequence.first_position = part.begin;
      sequence.token_ids.assign(static_cast<size_t>(part.end - part.begin), 0);
      std::vector<int32_t> pages = pages_[part.sequence];
      // Nothing before the position in front of the step is looked at.
      std::fill(pages.begin(), pages.begin() + std::max<int64_t>(0, part.begin - 1) / kPageTokens, -1);
      sequence.page_tables = {std::move(pages)};
      batch.push_back(std::move(sequence));
    }
    return make_batch(session_, batch, 1);
  }

  msc_router_params params(msc_batch* batch) const {
    msc_router_params params = {};
    params.struct_size = sizeof params;
    params.score = shape_.score;
    params.group_rule = MSC_ROUTER_GROUP_RULE_MAX;
    params.num_groups = shape_.groups;
    params.kept_groups = shape_.kept_groups;
    params.top_k = shape_.top_k;
    params.normalise = shape_.normalise ? 1 : 0;
    params.scale = 1.0f;
    params.weight = weight_.handle;
    params.overflow = shape_.overflow;
    params.queue = shape_.queue;
    params.capacity = shape_.capacity;
    params.capacity_factor = shape_.factor;
    params.batch = batch;
    params.cache = cache_;
    params.layer = kLayer;
    return params;
  }

  /// One step; results part by part. @param replayed ids of another run.
  std::vector<Result> step(const std::vector<Part>& parts, const std::vector<int32_t>* replayed = nullptr) {
    std::vector<float> input;
    for (const Part& part : parts) {
      const std::vector<float>& z = logits_[part.sequence];
      input.insert(input.end(), z.begin() + part.begin * shape_.experts, z.begin() + part.end * shape_.experts);
    }
    const auto tokens = static_cast<int64_t>(input.size()) / shape_.experts;
    const std::string suffix = text("_", next_++);
    msc_router_params p = params(batch_of(parts));
    p.input = session_.input("input" + suffix, tokens, shape_.experts, input, {.row_padding = 3});
    GuardedTensor& ids = session_.output("ids" + suffix, tokens, shape_.top_k, {.row_padding = 1}, MSC_FORMAT_I32);
    GuardedTensor& weights = session_.output("weights" + suffix, tokens, shape_.top_k, {.row_padding = 2});
    if (replayed != nullptr) {
      p.forced_ids = session_.input("forced" + suffix, tokens, shape_.top_k, *replayed);
    }
    p.ids = ids;
    p.weights = weights;
    session_.run([&] { return msc_op_router(session_.stream(), &p); });
    std::vector<Result> results;
    int64_t first = 0;
    for (const Part& part : parts) {
      const int64_t count = (part.end - part.begin) * shape_.top_k;
      const std::vector<int32_t> all_ids = ids.ints();
      const std::vector<float> all_weights = weights.floats();
      results.push_back({{all_ids.begin() + first, all_ids.begin() + first + count},
                         {all_weights.begin() + first, all_weights.begin() + first + count}});
      first += count;
    }
    return results;
  }

  /// A sequence in steps that end at `ends`.
  Result run(size_t sequence, const std::vector<int64_t>& ends) {
    Result result;
    for (size_t i = 0; i < ends.size(); ++i) {
      const Result part = step({{sequence, i == 0 ? 0 : ends[i - 1], ends[i]}})[0];
      result.ids.insert(result.ids.end(), part.ids.begin(), part.ids.end());
      result.weights.insert(result.weights.end(), part.weights.begin(), part.weights.end());
    }
    return result;
  }

  void expect_reference(const Result& actual, size_t sequence, const std::vector<int64_t>& ends, const char* what) const {
    PlainRouter plain(shape_);
    for (size_t i = 0; i < ends.size(); ++i) {
      std::vector<std::vector<double>> rows;
      for (int64_t t = i == 0 ? 0 : ends[i - 1]; t < ends[i]; ++t) {
        const auto first = logits_[sequence].begin() + t * shape_.experts;
        rows.emplace_back(first, first + shape_.experts);
      }
      plain.step(rows);
    }
    expect_equal(actual.ids, plain.ids, what);
    ASSERT_EQ(actual.weights.size(), plain.weights.size());
    for (size_t i = 0; i < plain.weights.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(actual.weights[i]), plain.weights[i], 1e-5) << what << ", choice " << i;
    }
  }

  /// Moves the last page of a sequence to another one, as copy-on-write does.
  void move_last_page(size_t sequence) {
    int32_t& page = pages_[sequence].back();
    ASSERT_EQ(msc_kv_cache_copy_pages(session_.stream(), cache_, &page, &spare_page_, 1), MSC_STATUS_OK) << last_error_text();
    std::swap(page, spare_page_);
  }

  msc_kv_cache* cache() const { return cache_; }
  const std::vector<int32_t>& pages(size_t sequence) const { return pages_[sequence]; }
  GuardedTensor& logits(const std::string& name, int64_t tokens) {
    return session_.input(name, tokens, shape_.experts,
                          std::vector<float>(logits_[0].begin(), logits_[0].begin() + tokens * shape_.experts));
  }

 private:
  Session& session_;
  CapacityShape shape_;
  TestWeight weight_;
  std::vector<std::vector<float>> logits_;
  std::vector<std::vector<int32_t>> pages_;
  int32_t spare_page_ = 0;
  msc_kv_cache* cache_ = nullptr;
  int next_ = 0;
};

void expect_same(const CapacityRig::Result& actual, const CapacityRig::Result& expected, const char* what) {
  expect_equal(actual.ids, expected.ids, what);
  expect_bits_equal(actual.weights, expected.weights, what);
}

void check_capacity(Session& session, const CapacityShape& shape) {
  const std::vector<int64_t> lengths = {37, 50, 21};
  CapacityRig rig(session, shape, lengths);
  const CapacityRig::Result alone = rig.run(0, {37});
  rig.expect_reference(alone, 0, {37}, "alone");
  EXPECT_TRUE(std::any_of(alone.ids.begin(), alone.ids.end(), [](int32_t id) { return id < 0; }) ||
              shape.overflow != MSC_ROUTER_OVERFLOW_DROP)
      << "nothing overflowed";

  // Among other sequences, in the same and in another order.
  const std::vector<CapacityRig::Result> together = rig.step({{1, 0, 50}, {0, 0, 37}, {2, 0, 21}});
  expect_same(together[1], alone, "among others");
  rig.expect_reference(together[0], 1, {50}, "second sequence");
  rig.expect_reference(together[2], 2, {21}, "third sequence");

  // In steps: counts go on over pages and between them.
  const std::vector<int64_t> ends = {5, 16, 17, 32, 36, 37};
  const CapacityRig::Result chunked = rig.run(0, ends);
  rig.expect_reference(chunked, 0, ends, "in steps");
  if (shape.free_of_chunks()) {
    expect_same(chunked, alone, "in steps");
  }

  // A step again, as after rejected drafts, and on a copy of its page.
  const CapacityRig::Result last = rig.step({{0, 36, 37}})[0];
  const auto k = static_cast<size_t>(shape.top_k);
  EXPECT_EQ(last.ids, std::vector<int32_t>(chunked.ids.end() - static_cast<std::ptrdiff_t>(k), chunked.ids.end()));
  rig.move_last_page(0);
  expect_same(rig.step({{0, 36, 37}})[0], last, "on a copied page");

  // Replayed: the same ids and weights, and counts that go on as if they had been chosen.
  const std::vector<int32_t> begin(chunked.ids.begin(), chunked.ids.begin() + static_cast<std::ptrdiff_t>(36 * k));
  rig.step({{1, 0, 50}});
  const CapacityRig::Result replayed = rig.step({{0, 0, 36}}, &begin)[0];
  expect_same(replayed, {begin, {chunked.weights.begin(), chunked.weights.begin() + static_cast<std::ptrdiff_t>(36 * k)}},
              "replayed");
  expect_same(rig.step({{0, 36, 37}})[0], last, "after the replay");
}

void check_refusals(Session& session) {
  const CapacityShape shape = {};
  CapacityRig rig(session, shape, {20});
  rig.run(0, {18});
  msc_batch* batch = rig.batch_of({{0, 18, 20}});
  msc_router_params good = rig.params(batch);
  good.input = rig.logits("input", 2);
  good.ids = session.output("ids", 2, 2, {}, MSC_FORMAT_I32);
  good.weights = session.output("weights", 2, 2);
  const auto refuse = [&](const char* part, auto&& change) {
    msc_router_params bad = good;
    change(bad);
    session.run_refused([&] { return msc_op_router(session.stream(), &bad); }, MSC_STATUS_BAD_ARGUMENT, {part});
  };
  refuse("overflow is 4", [](auto& p) { p.overflow = 4; });
  refuse("queue is 2", [](auto& p) { p.queue = 2; });
  refuse("capacity is 0", [](auto& p) { p.capacity = 0; });
  refuse("capacity_factor is -1", [](auto& p) { p.capacity_factor = -1.0f; });
  refuse("batch is NULL", [](auto& p) { p.batch = nullptr; });
  refuse("cache is NULL", [](auto& p) { p.cache = nullptr; });
  refuse("layer is 2", [](auto& p) { p.layer = kLayers; });
  refuse("reserved2", [](auto& p) { p.reserved2 = 1; });
  refuse("batch has 20 tokens", [&](auto& p) { p.batch = rig.batch_of({{0, 0, 20}}); });
  refuse("room for the counts of 3 of 9", [](auto& p) { p.top_k = 4; });
  refuse("forced_ids[0, 0] is -2", [&](auto& p) {
    p.forced_ids = session.input("forced", 2, 2, std::vector<int32_t>{-2, 0, -1, -1});
  });
  refuse("forced_ids[1, 0] is -1", [&](auto& p) {
    p.overflow = MSC_ROUTER_OVERFLOW_UNLIMITED;
    p.forced_ids = session.input("dropped", 2, 2, std::vector<int32_t>{1, 0, -1, 2});
  });
}

/// Experts that no ordering prefers: NaN logits, and a whole row without room.
void check_odd_rows(Session& session, int32_t overflow) {
  const CapacityShape shape = {.overflow = overflow, .capacity = 1, .experts = 3};
  CapacityRig rig(session, shape, {4});
  msc_router_params p = rig.params(rig.batch_of({{0, 0, 4}}));
  std::vector<float> logits(12, std::numeric_limits<float>::quiet_NaN());
  logits[4] = 1.0f;
  p.input = session.input("input", 4, 3, logits);
  GuardedTensor& ids = session.output("ids", 4, 2, {}, MSC_FORMAT_I32);
  GuardedTensor& weights = session.output("weights", 4, 2);
  p.ids = ids;
  p.weights = weights;
  session.run([&] { return msc_op_router(session.stream(), &p); });
  std::vector<int32_t> actual = ids.ints();
  EXPECT_EQ(actual[6], -1);
  EXPECT_EQ(actual[7], -1);
  EXPECT_EQ(weights.floats()[7], 0.0f);
  std::erase(actual, -1);
  std::sort(actual.begin(), actual.end());
  EXPECT_EQ(actual, overflow == MSC_ROUTER_OVERFLOW_DROP ? (std::vector<int32_t>{0, 1}) : (std::vector<int32_t>{0, 1, 2}));
}

OP_CASES(router_capacity) {
  const auto add = [](const CapacityShape& shape) {
    add_case("router", text("capacity_", shape.name()), [=](Session& session) { check_capacity(session, shape); });
  };
  for (const int32_t overflow : {MSC_ROUTER_OVERFLOW_DROP, MSC_ROUTER_OVERFLOW_NEXT_BEST, MSC_ROUTER_OVERFLOW_REROUTE}) {
    add({.overflow = overflow, .top_k = 1, .normalise = false});
    for (const int32_t queue : {MSC_ROUTER_QUEUE_BY_TOKEN, MSC_ROUTER_QUEUE_BY_CHOICE}) {
      add({.overflow = overflow, .queue = queue});
      add({.overflow = overflow, .queue = queue, .top_k = 3, .capacity = 2, .score = MSC_ROUTER_SCORE_SIGMOID, .experts = 5});
    }
    add({.overflow = overflow, .queue = MSC_ROUTER_QUEUE_BY_CHOICE, .capacity = 0, .factor = 0.75f});
    add({.overflow = overflow, .top_k = 1, .capacity = 3, .factor = 0.5f, .normalise = false});
    add({.overflow = overflow, .score = MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN, .normalise = false});
    add({.overflow = overflow, .capacity = 3, .groups = 4, .kept_groups = 2, .experts = 16});
    add_case("router", text("capacity_odd_rows_rule", overflow), [=](Session& session) { check_odd_rows(session, overflow); });
  }
  add_case("router", "capacity_refusals", check_refusals);
}

}  // namespace
}  // namespace optest
