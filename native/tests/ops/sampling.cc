#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/sampling/philox.h"
#include "tests/ops/harness.h"
#include "tests/ops/sampling_reference.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(philox, known_answers_of_random123) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(msc::cpu::philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(msc::cpu::philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(msc::cpu::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// All rows draw from the same logits, which are followed by padding that would win every draw. `call` tells the draws of
/// one case apart.
struct Draws {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
};
Draws draw(Session& session, const std::vector<float>& logits, const std::vector<RowSpec>& specs, int call = 0, int64_t padding = 5) {
  std::vector<float> matrix;
  std::vector<msc_sampling_row> rows;
  for (const RowSpec& spec : specs) {
    matrix.insert(matrix.end(), logits.begin(), logits.end());
    matrix.insert(matrix.end(), static_cast<size_t>(padding), 1e30f);
    rows.push_back(spec.row());
  }
  const auto count = static_cast<int64_t>(specs.size());
  const auto vocab = static_cast<int64_t>(logits.size());
  GuardedTensor& ids = session.output(text("ids", call), count, 1, {.row_padding = 1}, MSC_FORMAT_I32);
  GuardedTensor& logprobs = session.output(text("logprobs", call), count, 1);
  msc_sample_params params = {};
  params.struct_size = sizeof params;
  params.logits = session.input(text("logits", call), count, vocab + padding, matrix, {.shift = 1});
  params.vocab_size = vocab;
  params.host_rows = rows.data();
  params.ids = ids;
  params.logprobs = logprobs;
  session.run([&] { return msc_op_sample(session.stream(), &params); },
              {.bytes = static_cast<double>(count * vocab) * sizeof(float)});
  return {ids.ints(), logprobs.floats()};
}

/// 99.99% point of the chi-square distribution (Wilson and Hilferty 1931).
double chi_square_limit(double degrees) {
  const double a = 2.0 / (9.0 * degrees);
  return degrees * std::pow(1.0 - a + 3.719 * std::sqrt(a), 3.0);
}

/// Draws many positions and compares the counts with the reference distribution; nothing outside it may be drawn.
void check_distribution(Session& session, const std::vector<float>& logits, RowSpec spec) {
  constexpr size_t kDraws = 4000;
  const std::vector<double> expected = reference_distribution(logits, spec);
  std::vector<RowSpec> specs(kDraws, spec);
  for (size_t i = 0; i < kDraws; ++i) {
    specs[i].seed = 0x123456789abcdefu;
    specs[i].sample_index = static_cast<uint32_t>(i % 3);
    specs[i].position = (uint64_t{1} << 31) * 3 + i / 3;
  }
  std::vector<double> counts(logits.size(), 0);
  for (const int32_t id : draw(session, logits, specs).ids) {
    ASSERT_GE(id, 0);
    ASSERT_LT(static_cast<size_t>(id), logits.size());
    ASSERT_GT(expected[static_cast<size_t>(id)], 0) << "token " << id << " was filtered out";
    ++counts[static_cast<size_t>(id)];
  }
  double statistic = 0, rest_expected = 0, rest_count = 0, degrees = -1;
  const auto add = [&](double want, double have) {
    statistic += (have - want) * (have - want) / want;
    ++degrees;
  };
  for (size_t i = 0; i < logits.size(); ++i) {
    const double want = expected[i] * kDraws;
    if (want >= 5) {
      add(want, counts[i]);
    } else {
      rest_expected += want;
      rest_count += counts[i];
    }
  }
  if (rest_expected > 1) {
    add(rest_expected, rest_count);
  }
  if (degrees < 1) {
    EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), kDraws);
    return;
  }
  EXPECT_LT(statistic, chi_square_limit(degrees)) << degrees << " degrees of freedom";
}

std::vector<uint32_t> mask_of(const std::vector<int32_t>& allowed, size_t vocab) {
  std::vector<uint32_t> mask((vocab + 31) / 32, 0);
  for (const int32_t id : allowed) {
    mask[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
  }
  return mask;
}

void add_distribution_cases() {
  std::vector<std::pair<std::string, RowSpec>> specs;
  specs.push_back({"temperature", {}});
  specs.push_back({"hot", {.temperature = 3.0f}});
  specs.push_back({"cold", {.temperature = 0.05f}});
  specs.push_back({"top_k", {.temperature = 2.0f, .top_k = 7}});
  specs.push_back({"top_k_1", {.top_k = 1}});
  specs.push_back({"top_p", {.temperature = 1.5f, .top_p = 0.8f}});
  specs.push_back({"top_p_tiny", {.top_p = 1e-6f}});
  specs.push_back({"min_p", {.temperature = 2.0f, .min_p = 0.2f}});
  specs.push_back({"all_filters", {.temperature = 2.5f, .top_k = 40, .top_p = 0.9f, .min_p = 0.05f}});
  specs.push_back({"penalties",
                   {.repetition_penalty = 1.7f,
                    .presence_penalty = 0.5f,
                    .frequency_penalty = 0.3f,
                    .counts = {{0, 0, 2}, {3, 1, 1}, {4, 5, 9}, {60, 0, 0}}}});
  specs.push_back({"biases", {.biases = {{2, 3.0f}, {5, -100.0f}, {6, -kInfinity}}}});
  RowSpec masked = {.temperature = 2.0f, .top_p = 0.95f};
  masked.mask = mask_of({1, 5, 31, 32, 40, 63}, 67);
  specs.push_back({"mask", masked});
  for (const auto& [name, spec] : specs) {
    add_case("sampling", text("chi_square_", name), [spec = spec](Session& session) {
      std::vector<float> logits = session.rng().normals(67, 2.0);
      logits[10] = logits[3];  // a tie
      logits[20] = kNaN;
      logits[21] = -kInfinity;
      check_distribution(session, logits, spec);
    });
  }
}

/// Every draw lies in the reference's support, over vocabularies that exercise blocks, tails and the selection.
void check_large(Session& session, int64_t vocab, double spread) {
  const std::vector<float> logits = session.rng().normals(vocab, spread);
  std::vector<RowSpec> specs;
  for (const int32_t top_k : {0, 1, 50, 700}) {
    for (const float top_p : {1.0f, 0.9f, 0.3f}) {
      for (const float min_p : {0.0f, 0.1f}) {
        RowSpec spec = {.temperature = 0.8f, .top_k = top_k, .top_p = top_p, .min_p = min_p, .seed = specs.size()};
        specs.push_back(spec);
      }
    }
  }
  const Draws result = draw(session, logits, specs);
  const std::vector<double> logprobs = reference_logprobs(logits);
  for (size_t r = 0; r < specs.size(); ++r) {
    const auto id = static_cast<size_t>(result.ids[r]);
    ASSERT_LT(id, logits.size());
    EXPECT_GT(reference_distribution(logits, specs[r])[id], 0) << "row " << r;
    EXPECT_NEAR(static_cast<double>(result.logprobs[r]), logprobs[id], 1e-5 + 1e-6 * std::fabs(logprobs[id]));
  }
  // A row draws the same alone.
  EXPECT_EQ(draw(session, logits, {specs[7]}, 1).ids[0], result.ids[7]);
}

void check_greedy(Session& session) {
  std::vector<float> logits = session.rng().normals(5000);
  logits[4321] = logits[1234] = 9.0f;  // the lower of two
  logits[17] = kNaN;
  RowSpec greedy = {.temperature = 0.0f};
  EXPECT_EQ(draw(session, logits, {greedy}, 0).ids[0], 1234);
  greedy.temperature = -1.0f;
  greedy.biases = {{77, 40.0f}};
  EXPECT_EQ(draw(session, logits, {greedy}, 1).ids[0], 77);
  greedy.mask = mask_of({4999, 4321}, 5000);
  EXPECT_EQ(draw(session, logits, {greedy}, 2).ids[0], 4321);
  logits[3] = kInfinity;
  EXPECT_EQ(draw(session, logits, {{.temperature = 0.0f}}, 3).ids[0], 3);
  EXPECT_EQ(draw(session, logits, {{.temperature = 1.0f}}, 4).ids[0], 3);
}

void check_top_logprobs(Session& session) {
  constexpr int64_t kVocab = 3000;
  constexpr int64_t kTop = 20;
  std::vector<float> logits = session.rng().normals(kVocab, 3.0);
  logits[100] = logits[50];
  std::vector<float> few(static_cast<size_t>(kVocab), -kInfinity);
  few[2] = 1.0f;
  few[1999] = 2.0f;
  std::vector<float> both = logits;
  both.insert(both.end(), few.begin(), few.end());
  const RowSpec spec = {.temperature = 0.0f};
  const std::vector<msc_sampling_row> rows = {spec.row(), spec.row()};
  GuardedTensor& ids = session.output("ids", 2, 1, {}, MSC_FORMAT_I32);
  GuardedTensor& top_ids = session.output("top_ids", 2, kTop, {.row_padding = 2}, MSC_FORMAT_I32);
  GuardedTensor& top = session.output("top_logprobs", 2, kTop, {.row_padding = 3});
  msc_sample_params params = {};
  params.struct_size = sizeof params;
  params.num_top_logprobs = kTop;
  params.logits = session.input("logits", 2, kVocab, both);
  params.vocab_size = kVocab;
  params.host_rows = rows.data();
  params.ids = ids;
  params.logprobs = session.output("logprobs", 2, 1);
  params.top_ids = top_ids;
  params.top_logprobs = top;
  session.run([&] { return msc_op_sample(session.stream(), &params); });
  const std::vector<double> expected = reference_logprobs(logits);
  std::vector<int32_t> order(static_cast<size_t>(kVocab));
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = static_cast<int32_t>(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  for (size_t i = 0; i < kTop; ++i) {
    EXPECT_EQ(top_ids.ints()[i], order[i]) << i;
    EXPECT_NEAR(static_cast<double>(top.floats()[i]), expected[static_cast<size_t>(order[i])], 1e-5);
  }
  const std::vector<int32_t> found = top_ids.ints();
  EXPECT_EQ(std::vector<int32_t>(found.begin() + kTop, found.begin() + kTop + 4), (std::vector<int32_t>{1999, 2, 0, 1}));
  EXPECT_EQ(top.floats()[kTop + 2], -kInfinity);
}

void check_token_logprobs(Session& session) {
  for (const int64_t vocab : {1, 7, 2048, 2049, 50000}) {
    const std::vector<float> logits = session.rng().normals(3 * (vocab + 2), 4.0);
    const std::vector<int32_t> targets = {0, static_cast<int32_t>(vocab - 1), static_cast<int32_t>(vocab / 2)};
    GuardedTensor& logprobs = session.output(text("logprobs", vocab), 3, 1);
    msc_token_logprobs_params params = {};
    params.struct_size = sizeof params;
    params.vocab_size = vocab;
    params.logits = session.input(text("logits", vocab), 3, vocab + 2, logits);
    params.targets = session.input(text("targets", vocab), 3, 1, targets);
    params.logprobs = logprobs;
    session.run([&] { return msc_op_token_logprobs(session.stream(), &params); },
                {.bytes = static_cast<double>(3 * vocab) * sizeof(float)});
    for (int64_t r = 0; r < 3; ++r) {
      const auto* row = logits.data() + r * (vocab + 2);
      const std::vector<double> expected = reference_logprobs({row, row + vocab});
      EXPECT_NEAR(static_cast<double>(logprobs.floats()[static_cast<size_t>(r)]),
                  expected[static_cast<size_t>(targets[static_cast<size_t>(r)])], 1e-5);
    }
  }
}

/// A refused call names the row and field; a row without tokens fails without harm to the others.
void check_errors(Session& session) {
  const std::vector<float> logits = session.rng().normals(3 * 10);
  GuardedTensor& ids = session.output("ids", 3, 1, {}, MSC_FORMAT_I32);
  msc_sample_params params = {};
  params.struct_size = sizeof params;
  params.logits = session.input("logits", 3, 10, logits);
  params.vocab_size = 10;
  params.ids = ids;
  const auto refuse = [&](const RowSpec& bad, const char* field) {
    const std::vector<msc_sampling_row> rows = {RowSpec{}.row(), bad.row(), RowSpec{}.row()};
    params.host_rows = rows.data();
    session.run_refused([&] { return msc_op_sample(session.stream(), &params); }, MSC_STATUS_BAD_ARGUMENT,
                        {"row 1", field});
  };
  refuse({.temperature = kNaN}, "temperature");
  refuse({.temperature = kInfinity}, "temperature");
  refuse({.top_k = -1}, "top_k");
  refuse({.top_p = 0.0f}, "top_p");
  refuse({.top_p = 1.5f}, "top_p");
  refuse({.top_p = kNaN}, "top_p");
  refuse({.min_p = 1.0f}, "min_p");
  refuse({.min_p = -0.1f}, "min_p");
  refuse({.repetition_penalty = 0.0f}, "repetition_penalty");
  refuse({.presence_penalty = kNaN}, "presence_penalty");
  refuse({.frequency_penalty = kInfinity}, "frequency_penalty");
  refuse({.counts = {{3, 1, 1}, {3, 1, 1}}}, "host_token_counts[1].id");
  refuse({.counts = {{10, 1, 1}}}, "host_token_counts[0].id");
  refuse({.counts = {{1, 2, 1}}}, "host_token_counts[0]");
  refuse({.biases = {{-1, 0.0f}}}, "host_biases[0].id");
  refuse({.biases = {{1, kInfinity}}}, "host_biases[0].bias");

  RowSpec nothing = {.temperature = 0.0f};
  nothing.mask = {0};
  const RowSpec greedy = {.temperature = 0.0f};
  const std::vector<msc_sampling_row> rows = {greedy.row(), nothing.row(), greedy.row()};
  params.host_rows = rows.data();
  EXPECT_EQ(msc_op_sample(session.stream(), &params), MSC_STATUS_REQUEST_FAILED);
  EXPECT_NE(last_error_text().find("row 1"), std::string::npos) << last_error_text();
  EXPECT_EQ(ids.ints()[1], -1);
  for (const size_t r : {size_t{0}, size_t{2}}) {
    const auto* row = logits.data() + r * 10;
    EXPECT_EQ(ids.ints()[r], std::max_element(row, row + 10) - row);
  }
}

OP_CASES(sampling) {
  add_distribution_cases();
  for (const int64_t vocab : {300, 2048, 33001}) {
    add_case("sampling", text("large_", vocab), [=](Session& session) { check_large(session, vocab, 2.0); });
    add_case("sampling", text("flat_", vocab), [=](Session& session) { check_large(session, vocab, 0.01); });
  }
  add_case("sampling", "greedy", check_greedy);
  add_case("sampling", "top_logprobs", check_top_logprobs);
  add_case("sampling", "token_logprobs", check_token_logprobs);
  add_case("sampling", "errors", check_errors);
}

}  // namespace
}  // namespace optest
