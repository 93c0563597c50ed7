#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/ops/attention_rig.h"

namespace optest {
namespace {

constexpr int64_t kChunk = 256;  // kAttentionChunk

/// One prefill of every sequence at once, against the reference.
void check_prefill(Session& session, const AttentionShape& shape, std::vector<int64_t> lengths) {
  AttentionRig rig(session, shape, lengths);
  std::vector<Slice> slices;
  for (size_t s = 0; s < lengths.size(); ++s) {
    slices.push_back({s, 0, lengths[s]});
  }
  rig.step(slices);
  for (size_t s = 0; s < lengths.size(); ++s) {
    rig.expect_reference(s, 0, lengths[s]);
  }
}

/// The same sequences in one go, in uneven chunks, token by token and alone give the same bits.
void check_invariance(Session& session, const AttentionShape& shape) {
  const std::vector<int64_t> lengths = {kChunk + 37, 45};
  AttentionRig rig(session, shape, lengths);
  rig.step({{0, 0, lengths[0]}, {1, 0, lengths[1]}});
  const std::vector<float> whole[] = {rig.outputs(0), rig.outputs(1)};
  rig.expect_reference(0, kChunk - 3, lengths[0]);

  for (int64_t begin = 0, size = 1; begin < lengths[0]; begin += size, size = size * 2 % 101 + 3) {
    const int64_t end = std::min(begin + size, lengths[0]);
    std::vector<Slice> step = {{0, begin, end}};
    if (begin < lengths[1]) {
      step.insert(step.begin(), {1, begin, std::min(begin + size, lengths[1])});
    }
    rig.step(step);
  }
  expect_bits_equal(rig.outputs(0), whole[0], "chunked prefill");
  expect_bits_equal(rig.outputs(1), whole[1], "chunked prefill, second sequence");

  const int64_t from = kChunk - 2;
  for (int64_t p = from; p < lengths[0]; ++p) {
    rig.step({{0, p, p + 1}});
  }
  expect_bits_equal(rig.outputs(0), whole[0], "token by token");
}

/// A long context, decoded by few heads, is cut into pieces over threads; a batch of others does not change that.
void check_long_decode(Session& session, const AttentionShape& shape) {
  const int64_t length = 9 * kChunk + 11;
  AttentionRig rig(session, shape, {length, 20, 700});
  rig.fill({{0, 0, length}, {1, 0, 20}, {2, 0, 700}});
  rig.step({{0, length - 1, length}});
  rig.expect_reference(0, length - 1, length);
  const std::vector<float> alone = rig.outputs(0);
  rig.step({{1, 3, 20}, {0, length - 1, length}, {2, 600, 700}});
  expect_bits_equal(rig.outputs(0), alone, "in a batch");
  rig.step({{0, length - 90, length}});
  std::vector<float> last(rig.outputs(0).end() - shape.q_heads * shape.v_width, rig.outputs(0).end());
  expect_bits_equal(last, std::vector<float>(alone.end() - shape.q_heads * shape.v_width, alone.end()), "in a chunk");
}

/// Whole sequences in one batch: each token sees its own sequence, all of it, with the bits that it has alone.
void check_bidirectional(Session& session, const AttentionShape& shape, std::vector<int64_t> lengths) {
  AttentionRig rig(session, shape, lengths);
  std::vector<Slice> slices;
  for (size_t s = 0; s < lengths.size(); ++s) {
    slices.push_back({s, 0, lengths[s]});
  }
  rig.step(slices);
  std::vector<std::vector<float>> together;
  for (size_t s = 0; s < lengths.size(); ++s) {
    rig.expect_reference(s, 0, lengths[s]);
    together.push_back(rig.outputs(s));
  }
  for (size_t s = 0; s < lengths.size(); ++s) {
    rig.step({slices[s]});
    expect_bits_equal(rig.outputs(s), together[s], text("sequence ", s, " alone"));
  }
}

/// Queries of some positions over the keys of a whole sequence, whose length the batch says: an encoder's under a decoder.
void check_key_lengths(Session& session, const AttentionShape& shape) {
  const std::vector<int64_t> lengths = {2 * kChunk + 37, 45};
  AttentionRig rig(session, shape, lengths);
  rig.fill({{0, 0, lengths[0]}, {1, 0, lengths[1]}});
  rig.attend({{0, 0, lengths[0]}, {1, 0, lengths[1]}}, Keys::kOfSequence);
  const std::vector<float> whole[] = {rig.outputs(0), rig.outputs(1)};
  rig.expect_reference(0, 0, lengths[0]);
  rig.expect_reference(1, 0, lengths[1]);
  for (int64_t begin = 0, size = 1; begin < lengths[0]; begin += size, size = size * 2 % 101 + 3) {
    std::vector<Slice> step = {{0, begin, std::min(begin + size, lengths[0])}};
    if (begin < lengths[1]) {
      step.insert(step.begin(), {1, begin, std::min(begin + size, lengths[1])});
    }
    rig.attend(step, Keys::kOfSequence);
  }
  expect_bits_equal(rig.outputs(0), whole[0], "queries in chunks");
  expect_bits_equal(rig.outputs(1), whole[1], "queries in chunks, second sequence");
}

OP_CASES(attention) {
  const auto prefill = [](const AttentionShape& shape, const std::vector<int64_t>& lengths) {
    std::string name = text("prefill_", shape.name());
    for (const int64_t length : lengths) {
      name += text("_", length);
    }
    add_case("attention", name, [=](Session& session) { check_prefill(session, shape, lengths); });
  };
  for (const int64_t width : {16, 32, 64, 80, 96, 128, 256}) {
    prefill({.q_heads = 4, .kv_heads = 2, .k_width = width, .v_width = width}, {1, 17, 50});
  }
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
    prefill({.q_heads = 9, .kv_heads = 3, .format = format}, {70, 3});
    prefill({.q_heads = 2, .kv_heads = 1, .k_width = 192, .v_width = 128, .format = format}, {40});
    prefill({.q_heads = 2, .kv_heads = 2, .k_width = 7, .v_width = 21, .format = format, .page_tokens = 48}, {60});
  }
  for (int64_t group = 1; group <= 8; ++group) {
    prefill({.q_heads = group, .kv_heads = 1, .k_width = 32, .v_width = 32}, {19});
  }
  prefill({.q_heads = 150, .kv_heads = 1, .k_width = 16, .v_width = 16}, {5});
  for (const int64_t length : {int64_t{15}, int64_t{16}, int64_t{17}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk + 1}) {
    prefill({.q_heads = 3, .kv_heads = 1, .k_width = 16, .v_width = 16, .page_tokens = 32}, {length});
  }
  for (const int64_t window : {1, 5, 16, 100, 300}) {
    prefill({.q_heads = 3, .kv_heads = 1, .k_width = 16, .v_width = 16, .window = window, .sinks = window == 100}, {330});
  }
  prefill({.q_heads = 8, .kv_heads = 1, .sinks = true}, {33});
  prefill({.q_heads = 6, .kv_heads = 2, .k_width = 16, .v_width = 16, .bias_reach = 20}, {70, kChunk + 30});
  prefill({.q_heads = 4, .kv_heads = 4, .k_width = 16, .v_width = 16, .window = 30, .bias_reach = 0}, {90});

  const auto bidirectional = [](const AttentionShape& shape, const std::vector<int64_t>& lengths) {
    std::string name = shape.name();
    for (const int64_t length : lengths) {
      name += text("_", length);
    }
    add_case("attention", name, [=](Session& session) { check_bidirectional(session, shape, lengths); });
  };
  bidirectional({.q_heads = 12, .kv_heads = 12, .k_width = 32, .v_width = 32, .causal = false}, {1, 16, 7, 50, 17});
  bidirectional({.q_heads = 3, .kv_heads = 1, .k_width = 16, .v_width = 16, .page_tokens = 32, .causal = false},
                {kChunk, kChunk - 1, 5, kChunk + 1, 2 * kChunk + 3});
  bidirectional({.q_heads = 4, .kv_heads = 4, .k_width = 16, .v_width = 16, .bias_reach = 128, .causal = false},
                {48, 2 * kChunk + 9});
  bidirectional({.q_heads = 2, .kv_heads = 2, .k_width = 7, .v_width = 21, .page_tokens = 48, .sinks = true, .causal = false},
                {60, 300});
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
    const AttentionShape shape = {.q_heads = 4, .kv_heads = 2, .k_width = 32, .v_width = 32, .format = format, .causal = false};
    add_case("attention", text("key_lengths_", shape.name()), [=](Session& session) { check_key_lengths(session, shape); });
  }

  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
    for (const AttentionShape& shape :
         {AttentionShape{.q_heads = 4, .kv_heads = 2, .k_width = 32, .v_width = 32, .format = format, .bias_reach = 40},
          AttentionShape{.q_heads = 9, .kv_heads = 3, .k_width = 64, .v_width = 64, .format = format},
          AttentionShape{.q_heads = 4, .kv_heads = 4, .k_width = 48, .v_width = 32, .format = format, .page_tokens = 48,
                         .window = 40, .sinks = true},
          AttentionShape{.q_heads = 8, .kv_heads = 1, .k_width = 32, .v_width = 32, .format = format, .page_tokens = 64,
                         .window = 270}}) {
      add_case("attention", text("invariance_", shape.name()), [=](Session& session) { check_invariance(session, shape); });
    }
    const AttentionShape shape = {.q_heads = 3, .kv_heads = 1, .k_width = 32, .v_width = 32, .format = format};
    add_case("attention", text("long_decode_", shape.name()), [=](Session& session) { check_long_decode(session, shape); });
  }
}

}  // namespace
}  // namespace optest
