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

OP_CASES(embedding) {
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
