// Rows of an embedding table of every native format.
#include <gtest/gtest.h>

#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

void check_embedding(Session& session, int32_t format, int64_t cols, int64_t num_tokens, float scale) {
  const int64_t vocabulary = 37;
  const TestWeight table = make_weight(session, format, vocabulary, cols);
  std::vector<int32_t> ids = session.rng().integers(num_tokens, 0, vocabulary - 1);
  ids[0] = vocabulary - 1;
  msc_batch* batch = make_batch(session, {{0, ids, {}}});
  GuardedTensor& out = session.output("out", num_tokens, cols, {.row_padding = 3, .shift = 2});
  msc_embedding_params params = {};
  params.struct_size = sizeof(params);
  params.scale = scale;
  params.table = table.handle;
  params.out = out;
  session.run([&] { return msc_op_embedding(session.stream(), batch, &params); });
  for (int64_t t = 0; t < num_tokens; ++t) {
    const float* row = table.values.data() + ids[static_cast<size_t>(t)] * cols;
    std::vector<float> expected(row, row + cols);
    for (float& value : expected) {
      value *= scale;
    }
    expect_bits_equal(out.row_floats(t), expected, "token " + std::to_string(t));
  }
}

void check_refusals(Session& session) {
  const TestWeight table = make_weight(session, MSC_FORMAT_F32, 5, 8);
  GuardedTensor& out = session.output("out", 2, 8);
  msc_embedding_params params = {};
  params.struct_size = sizeof(params);
  params.scale = 1;
  params.table = table.handle;
  params.out = out;
  msc_batch* outside = make_batch(session, {{0, {4, 5}, {}}});
  session.run_refused([&] { return msc_op_embedding(session.stream(), outside, &params); }, MSC_STATUS_BAD_ARGUMENT,
                      {"token 1 has id 5", "5 rows"});
  msc_batch* three = make_batch(session, {{0, {0, 1, 2}, {}}});
  session.run_refused([&] { return msc_op_embedding(session.stream(), three, &params); }, MSC_STATUS_BAD_ARGUMENT,
                      {"'out' is [2, 8], expected [3, 8]"});
}

/// Words, then positions and the first row of a third table on top, as encoders with learned positions begin.
void check_sum(Session& session, int32_t format) {
  const int64_t cols = 256;
  const TestWeight words = make_weight(session, format, 37, cols);
  const TestWeight positions = make_weight(session, MSC_FORMAT_F32, 12, cols);
  const TestWeight types = make_weight(session, MSC_FORMAT_F32, 2, cols);
  const std::vector<int32_t> first = session.rng().integers(40, 0, 36), second = session.rng().integers(12, 0, 36);
  msc_batch* batch = make_batch(session, {{0, second, {}}, {3, {7, 8}, {}}, {0, {first[0]}, {}}});
  GuardedTensor& out = session.output("out", 15, cols, {.row_padding = 3, .shift = 2});
  const auto run = [&](const TestWeight& table, int32_t index, float scale, bool accumulate) {
    msc_embedding_params params = {};
    params.struct_size = sizeof(params);
    params.scale = scale;
    params.index = index;
    params.accumulate = accumulate ? 1 : 0;
    params.table = table.handle;
    params.out = out;
    session.run([&] { return msc_op_embedding(session.stream(), batch, &params); });
  };
  run(words, MSC_EMBEDDING_INDEX_TOKEN, 1.0f, false);
  run(positions, MSC_EMBEDDING_INDEX_POSITION, 0.5f, true);
  run(types, MSC_EMBEDDING_INDEX_FIRST_ROW, 1.0f, true);
  for (int64_t t = 0; t < 15; ++t) {
    const int64_t id = t < 12 ? second[static_cast<size_t>(t)] : t < 14 ? t - 12 + 7 : first[0];
    const int64_t position = t < 12 ? t : t < 14 ? t - 12 + 3 : 0;
    std::vector<float> expected(static_cast<size_t>(cols));
    for (int64_t k = 0; k < cols; ++k) {
      expected[static_cast<size_t>(k)] =
          words.values[static_cast<size_t>(id * cols + k)] +
          0.5f * positions.values[static_cast<size_t>(position * cols + k)] + types.values[static_cast<size_t>(k)];
    }
    expect_bits_equal(out.row_floats(t), expected, "token " + std::to_string(t));
  }
}

void check_row_refusals(Session& session) {
  const TestWeight table = make_weight(session, MSC_FORMAT_F32, 3, 8);
  msc_batch* batch = make_batch(session, {{2, {0, 1}, {}}});
  msc_embedding_params params = {};
  params.struct_size = sizeof(params);
  params.scale = 1;
  params.table = table.handle;
  params.out = session.output("out", 2, 8);
  params.index = MSC_EMBEDDING_INDEX_POSITION;
  const auto refuse = [&](const char* part) {
    session.run_refused([&] { return msc_op_embedding(session.stream(), batch, &params); }, MSC_STATUS_BAD_ARGUMENT,
                        {part});
  };
  refuse("token 1 has position 3");
  params.index = 3;
  refuse("index is 3");
  params.index = MSC_EMBEDDING_INDEX_TOKEN;
  params.accumulate = 2;
  refuse("accumulate is 2");
}

OP_CASES(embedding) {
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_Q8_0}) {
    add_case("embedding", "sum_" + format_name(format), [=](Session& session) { check_sum(session, format); });
  }
  add_case("embedding", "row_refusals", check_row_refusals);
  for (const int32_t format : kLinearFormats) {
    for (const int64_t blocks : {1, 3}) {
      const int64_t cols = is_quantised(format) ? 256 * blocks : 85 * blocks;
      add_case("embedding", format_name(format) + "_" + std::to_string(cols),
               [=](Session& session) { check_embedding(session, format, cols, 5, 1.0f); });
    }
  }
  add_case("embedding", "scaled_many", [](Session& session) {
    check_embedding(session, MSC_FORMAT_Q4_1, 576, 40, 24.0f);
  });
  add_case("embedding", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
