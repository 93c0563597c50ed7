#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "moesaic/ops.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

std::vector<float> reference_norm(const std::vector<float>& input, const std::vector<float>& weight, float eps) {
  std::vector<float> result;
  for (size_t begin = 0; begin < input.size(); begin += weight.size()) {
    double sum = 0;
    for (size_t i = 0; i < weight.size(); ++i) {
      sum += static_cast<double>(input[begin + i]) * static_cast<double>(input[begin + i]);
    }
    const double factor = 1.0 / std::sqrt(sum / static_cast<double>(weight.size()) + static_cast<double>(eps));
    for (size_t i = 0; i < weight.size(); ++i) {
      result.push_back(static_cast<float>(static_cast<double>(weight[i]) * static_cast<double>(input[begin + i]) * factor));
    }
  }
  return result;
}

void check_norm(Session& session, int64_t rows, int64_t cols, double scale) {
  const std::vector<float> input = session.rng().normals(rows * cols, scale);
  const std::vector<float> weight = session.rng().normals(cols);
  GuardedTensor& out = session.output("out", rows, cols, {.row_padding = 5, .shift = 1});
  msc_rms_norm_params params = {};
  params.struct_size = sizeof params;
  params.eps = 1e-6f;
  params.input = session.input("input", rows, cols, input, {.row_padding = 3});
  params.weight = session.input("weight", 1, cols, weight, {.shift = 2});
  params.out = out;
  session.run([&] { return msc_op_rms_norm(session.stream(), &params); },
              {.bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(float)});
  expect_nmse(out.floats(), reference_norm(input, weight, 1e-6f), 1e-12, "out");

  GuardedTensor& last = session.inout("in_place", 1, cols, std::vector<float>(input.end() - cols, input.end()));
  params.input = last;
  params.out = last;
  session.run([&] { return msc_op_rms_norm(session.stream(), &params); });
  expect_bits_equal(last.floats(), out.row_floats(rows - 1), "one row, in place");
}

/// The norm added to what is there, the same bits for a row alone.
void check_added_norm(Session& session, int64_t rows, int64_t cols) {
  const std::vector<float> input = session.rng().normals(rows * cols, 2.0);
  const std::vector<float> weight = session.rng().normals(cols);
  const std::vector<float> before = session.rng().normals(rows * cols, 3.0);
  GuardedTensor& out = session.inout("out", rows, cols, before, {.row_padding = 3, .shift = 1});
  msc_rms_norm_params params = {};
  params.struct_size = sizeof params;
  params.eps = 1e-6f;
  params.accumulate = 1;
  params.input = session.input("input", rows, cols, input, {.row_padding = 1});
  params.weight = session.input("weight", 1, cols, weight, {.shift = 2});
  params.out = out;
  session.run([&] { return msc_op_rms_norm(session.stream(), &params); },
              {.bytes = 3.0 * static_cast<double>(rows * cols) * sizeof(float)});
  std::vector<float> expected = reference_norm(input, weight, 1e-6f);
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = static_cast<float>(static_cast<double>(before[i]) + static_cast<double>(expected[i]));
  }
  expect_nmse(out.floats(), expected, 1e-12, "out");

  GuardedTensor& last = session.inout("alone", 1, cols, std::vector<float>(before.end() - cols, before.end()));
  params.input = session.input("last", 1, cols, std::vector<float>(input.end() - cols, input.end()));
  params.out = last;
  session.run([&] { return msc_op_rms_norm(session.stream(), &params); });
  expect_bits_equal(last.floats(), out.row_floats(rows - 1), "one row");
}

void check_gather(Session& session) {
  std::vector<int32_t> tokens(9, 0);
  msc_batch* batch = make_batch(session, {{.first_position = 0, .token_ids = tokens, .page_tables = {}}}, 0, {0, 3, 4, 8});
  const std::vector<float> input = session.rng().normals(9 * 37);
  GuardedTensor& out = session.output("out", 4, 37, {.row_padding = 2});
  msc_gather_rows_params params = {};
  params.struct_size = sizeof params;
  params.input = session.input("input", 9, 37, input, {.row_padding = 4});
  params.out = out;
  session.run([&] { return msc_op_gather_rows(session.stream(), batch, &params); });
  std::vector<float> expected;
  for (const int64_t row : {0, 3, 4, 8}) {
    expected.insert(expected.end(), input.begin() + row * 37, input.begin() + (row + 1) * 37);
  }
  expect_bits_equal(out.floats(), expected, "rows");
}

void check_refusals(Session& session) {
  msc_rms_norm_params params = {};
  params.struct_size = sizeof params;
  params.eps = std::numeric_limits<float>::quiet_NaN();
  params.input = session.input("input", 2, 8, std::vector<float>(16, 1.0f));
  params.weight = session.input("weight", 1, 8, std::vector<float>(8, 1.0f));
  params.out = session.output("out", 2, 8);
  const auto refuse = [&](const char* part) {
    session.run_refused([&] { return msc_op_rms_norm(session.stream(), &params); }, MSC_STATUS_BAD_ARGUMENT, {part});
  };
  refuse("eps");
  params.eps = 0.0f;
  params.weight = session.input("short_weight", 1, 7, std::vector<float>(7, 1.0f));
  refuse("'weight'");
  params.weight = session.input("weight_again", 1, 8, std::vector<float>(8, 1.0f));
  params.accumulate = 2;
  refuse("accumulate is 2");
  params.accumulate = 1;
  params.out = params.input;
  refuse("although it is added to");
}

OP_CASES(norm) {
  for (const int64_t cols : {1, 7, 8, 33, 64, 576, 2048, 2049}) {
    add_case("rms_norm", text("3x", cols), [=](Session& session) { check_norm(session, 3, cols, 1.0); });
  }
  add_case("rms_norm", "200x576", [](Session& session) { check_norm(session, 200, 576, 1.0); });
  for (const int64_t cols : {1, 9, 64, 1153}) {
    add_case("rms_norm", text("added_3x", cols), [=](Session& session) { check_added_norm(session, 3, cols); });
  }
  add_case("rms_norm", "added_200x640", [](Session& session) { check_added_norm(session, 200, 640); });
  add_case("rms_norm", "tiny_values", [](Session& session) { check_norm(session, 2, 100, 1e-5); });
  add_case("rms_norm", "refusals", check_refusals);
  add_case("gather_rows", "some", check_gather);
}

}  // namespace
}  // namespace optest
