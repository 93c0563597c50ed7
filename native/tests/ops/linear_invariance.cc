// A row of the linear op has the same bits alone, in any batch, and at any place in it.
#include <gtest/gtest.h>

#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

std::vector<float> run_rows(Session& session, const TestWeight& weight, const TestWeight* up, int32_t precision,
                            const std::vector<float>& x, int64_t cols) {
  static int calls = 0;
  const std::string name = std::to_string(calls++);
  const auto num_rows = static_cast<int64_t>(x.size()) / cols;
  GuardedTensor& input = session.input("input" + name, num_rows, cols, x);
  GuardedTensor out(session.device(), "out" + name, num_rows, weight.rows, MSC_FORMAT_F32, {});
  msc_linear_params params =
      linear_params(precision, up != nullptr ? MSC_EPILOGUE_SWIGLU : MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  if (up != nullptr) {
    add_target(params, *up, nullptr);
  }
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  EXPECT_EQ(out.damaged_guard(), "");
  return out.floats();
}

/// All rows at once, then cut into batches of several sizes; the outputs must be the same bits.
void check_splits(Session& session, int32_t format, int32_t precision, int64_t outputs, int64_t cols, bool gated) {
  const int64_t num_rows = 131;
  const TestWeight weight = make_weight(session, format, outputs, cols, 1, 0.1);
  const TestWeight up = make_weight(session, format, outputs, cols, 1, 0.1);
  const std::vector<float> x = session.rng().normals(num_rows * cols);
  const std::vector<float> whole = run_rows(session, weight, gated ? &up : nullptr, precision, x, cols);
  GuardedTensor& kept = session.output("out", num_rows, outputs);  // compared across thread counts
  kept.set(whole);
  for (const int64_t size : {1, 2, 3, 5, 6, 8, 13, 24, 60, 100}) {
    for (int64_t first = size == 1 ? 120 : 0; first < num_rows; first += size) {
      const int64_t count = std::min(size, num_rows - first);
      const std::vector<float> part(x.begin() + first * cols, x.begin() + (first + count) * cols);
      const std::vector<float> y = run_rows(session, weight, gated ? &up : nullptr, precision, part, cols);
      expect_bits_equal(y, std::span(whole).subspan(static_cast<size_t>(first * outputs), y.size()),
                        "rows from " + std::to_string(first) + " of " + std::to_string(size) + " at a time");
    }
  }
}

OP_CASES(linear_invariance) {
  for (const int32_t format : kLinearFormats) {
    for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
      const std::string name = format_name(format) + "_" + precision_name(precision);
      add_case("linear", "splits_" + name,
               [=](Session& session) { check_splits(session, format, precision, 43, 768, false); });
    }
    add_case("linear", "splits_wide_gated_" + format_name(format),
             [=](Session& session) { check_splits(session, format, MSC_PRECISION_FAST, 16, 2304, true); });
  }
}

}  // namespace
}  // namespace optest
