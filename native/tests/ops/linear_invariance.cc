// A row of the linear op has the same bits alone, in any batch, and at any place in it.
#include <gtest/gtest.h>

#include "tests/ops/harness/grouped_weights.h"
#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

struct Product {
  TestWeight weight;
  TestWeight up;  // used when gated
  int32_t precision;
  bool gated;
};

/// Rows [first, first + count) of the input as a batch of their own.
std::vector<float> run_rows(Session& session, const Product& product, const GuardedTensor& input, int64_t first,
                            int64_t count) {
  msc_tensor rows = input.view();
  rows.offset_bytes += static_cast<uint64_t>(first * rows.row_stride) * sizeof(float);
  rows.rows = count;
  const GuardedTensor out(session.device(), "part", count, product.weight.rows, MSC_FORMAT_F32, {});
  msc_linear_params params =
      linear_params(product.precision, product.gated ? MSC_EPILOGUE_SWIGLU : MSC_EPILOGUE_STORE, rows);
  add_target(params, product.weight, &out.view());
  if (product.gated) {
    add_target(params, product.up, nullptr);
  }
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  EXPECT_EQ(out.damaged_guard(), "");
  return out.floats();
}

/// All rows at once, then batches of several sizes at several places; the outputs must be the same bits.
void check_splits(Session& session, const Product& product) {
  const int64_t num_rows = 131, outputs = product.weight.rows, cols = product.weight.cols;
  const GuardedTensor& input = session.input("input", num_rows, cols, session.rng().normals(num_rows * cols));
  GuardedTensor& kept = session.output("out", num_rows, outputs);  // compared across thread counts
  const std::vector<float> whole = run_rows(session, product, input, 0, num_rows);
  kept.set(whole);
  for (const int64_t size : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 24, 60, 100}) {
    for (const int64_t first : {int64_t{0}, int64_t{29}, num_rows - size}) {
      const std::vector<float> part = run_rows(session, product, input, first, size);
      expect_bits_equal(part, std::span(whole).subspan(static_cast<size_t>(first * outputs), part.size()),
                        std::to_string(size) + " rows from " + std::to_string(first));
    }
  }
}

void check_splits(Session& session, int32_t format, int32_t precision, int64_t outputs, int64_t cols, bool gated) {
  check_splits(session, {make_weight(session, format, outputs, cols, 1, 0.1),
                         make_weight(session, format, outputs, cols, 1, 0.1), precision, gated});
}

OP_CASES(linear_invariance) {
  for (const int32_t format : {MSC_FORMAT_U4, MSC_FORMAT_I8, MSC_FORMAT_F8_E4M3}) {
    add_case("linear", "splits_" + grouped_name(format), [=](Session& session) {
      check_splits(session, {make_grouped_weight(session, {format, 27, 320, 128}, 0.1), {}, MSC_PRECISION_FAST, false});
    });
  }
  for (const int32_t format : kLinearFormats) {
    for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
      const std::string name = format_name(format) + "_" + precision_name(precision);
      add_case("linear", "splits_" + name,
               [=](Session& session) { check_splits(session, format, precision, 27, 768, false); });
    }
    add_case("linear", "splits_wide_gated_" + format_name(format),
             [=](Session& session) { check_splits(session, format, MSC_PRECISION_FAST, 16, 2304, true); });
  }
}

}  // namespace
}  // namespace optest
