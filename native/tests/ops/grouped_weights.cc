// Weights whose scales are kept apart, in every op that takes a weight of one matrix, against the plain reference.
#include <gtest/gtest.h>

#include "tests/ops/harness/grouped_weights.h"
#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

constexpr int32_t kGroupedFormats[] = {MSC_FORMAT_U4, MSC_FORMAT_I8, MSC_FORMAT_F8_E4M3};

void check_product(Session& session, const GroupedShape& shape, int32_t precision, int64_t num_rows,
                   double input_scale = 1) {
  const TestWeight weight = make_grouped_weight(session, shape, 0.1);
  const std::vector<float> x = session.rng().normals(num_rows * shape.cols, input_scale);
  GuardedTensor& input = session.input("input", num_rows, shape.cols, x);
  GuardedTensor& out = session.output("out", num_rows, shape.rows);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });

  std::vector<std::vector<float>> expected;
  const auto multiply = [&](const std::vector<float>& values) {
    msc::cpu::reference_linear({MSC_EPILOGUE_STORE, num_rows, shape.cols, values.data(),
                                {{weight.values.data(), nullptr, shape.rows}}},
                               expected);
  };
  if (shape.fill == Fill::kZero) {
    multiply(x);
    expect_nmse(out.floats(), expected[0], 0, "zero weights");
    return;
  }
  const bool few = num_rows * shape.rows < 64;
  const bool exact_input = precision == MSC_PRECISION_REFERENCE || shape.format == MSC_FORMAT_F8_E4M3;
  if (exact_input || !shape.permuted) {
    multiply(exact_input ? x : msc::cpu::reference_round_int8(x));
    expect_nmse(out.floats(), expected[0], few ? 1e-9 : 1e-12, "against the same rounded input");
  }
  if (!exact_input && !few) {
    // Blocks of a permuted input are rounded in another order, with the same size of errors.
    multiply(x);
    expect_nmse(out.floats(), expected[0], shape.cols < 256 ? 2e-4 : 1e-4, "against exact arithmetic");
  }
}

/// Targets of one call with the same, another and no order of columns, behind a norm.
void check_orders(Session& session, int32_t format, int32_t precision) {
  const int64_t cols = 256, rows = 24, num_rows = 3;
  const GroupedShape shape{format, rows, cols, 64, 1, true};
  const TestWeight weights[3] = {make_grouped_weight(session, shape, 0.1), make_grouped_weight(session, shape, 0.1),
                                 make_grouped_weight(session, {format, rows, cols, 64}, 0.1)};
  const std::vector<float> x = session.rng().normals(num_rows * cols);
  const std::vector<float> norm = session.rng().normals(cols, 0.5);
  GuardedTensor& input = session.input("input", num_rows, cols, x);
  GuardedTensor& norm_weight = session.input("norm_weight", 1, cols, norm);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  params.norm_weight = norm_weight;
  params.norm_eps = 1e-5f;
  GuardedTensor* outs[3];
  for (int i = 0; i < 3; ++i) {
    outs[i] = &session.output("out" + std::to_string(i), num_rows, rows);
    add_target(params, weights[i], &outs[i]->view());
  }
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  const std::vector<float> normalised = msc::cpu::reference_rms_norm(x, cols, norm, 1e-5f);
  for (int i = 0; i < 3; ++i) {
    std::vector<std::vector<float>> expected;
    msc::cpu::reference_linear(
        {MSC_EPILOGUE_STORE, num_rows, cols, normalised.data(), {{weights[i].values.data(), nullptr, rows}}}, expected);
    expect_nmse(outs[i]->floats(), expected[0], precision == MSC_PRECISION_REFERENCE ? 1e-12 : 2e-4,
                "target " + std::to_string(i));
  }
}

void check_embedding(Session& session, const GroupedShape& shape) {
  const TestWeight table = make_grouped_weight(session, shape);
  const std::vector<int32_t> ids = {static_cast<int32_t>(shape.rows) - 1, 0, 3};
  msc_batch* batch = make_batch(session, {{0, ids, {}}});
  GuardedTensor& out = session.output("out", 3, shape.cols);
  msc_embedding_params params = {};
  params.struct_size = sizeof(params);
  params.scale = 1;
  params.table = table.handle;
  params.out = out;
  session.run([&] { return msc_op_embedding(session.stream(), batch, &params); });
  for (int64_t t = 0; t < 3; ++t) {
    const float* row = table.values.data() + ids[static_cast<size_t>(t)] * shape.cols;
    expect_nmse(out.row_floats(t), std::vector<float>(row, row + shape.cols), 0, "token " + std::to_string(t));
  }
}

void time_product(Session& session, int32_t format, int64_t rows, int64_t cols, int64_t num_rows) {
  const TestWeight weight = make_grouped_weight(session, {format, rows, cols, 128});
  GuardedTensor& input = session.input("input", num_rows, cols, session.rng().normals(num_rows * cols));
  GuardedTensor& out = session.output("out", num_rows, rows);
  msc_linear_params params = linear_params(MSC_PRECISION_FAST, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); },
              linear_work(session, weight, MSC_PRECISION_FAST, num_rows));
}

OP_CASES(grouped_weights) {
  for (const int32_t format : kGroupedFormats) {
    const auto add = [&](const GroupedShape& shape, int64_t num_rows, const char* what = "") {
      for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
        add_case("linear",
                 grouped_name(format) + "_" + precision_name(precision) + "_" + std::to_string(num_rows) + "x" +
                     std::to_string(shape.rows) + "x" + std::to_string(shape.cols) + "_g" +
                     std::to_string(shape.group_cols) + what,
                 [=](Session& session) { check_product(session, shape, precision, num_rows); });
      }
    };
    for (const int64_t num_rows : {1, 2, 3, 4, 5, 7, 13, 33, 100}) {
      add({format, 40, 320, 128}, num_rows);
    }
    if (format == MSC_FORMAT_F8_E4M3) {
      // Their sums carry powers of two that neither small nor large inputs may meet the ends of the range with.
      for (const int64_t num_rows : {1, 2, 3}) {
        add_case("linear", "f8_e4m3_small_" + std::to_string(num_rows), [=](Session& session) {
          check_product(session, {format, 9, 260, 4}, MSC_PRECISION_FAST, num_rows, 1e-9);
        });
        add_case("linear", "f8_e4m3_large_" + std::to_string(num_rows), [=](Session& session) {
          check_product(session, {format, 9, 260, 4}, MSC_PRECISION_FAST, num_rows, 1e20);
        });
      }
    }
    for (const int64_t group : {32, 64, 256, 512, 4096}) {
      add({format, 17, 512, group}, 1);
      add({format, 17, 512, group}, 6);
    }
    add({format, 1, 32, 32}, 1);
    add({format, 33, 160, 160}, 2);
    add({format, 9, 67 * 32, 1024}, 2);
    add({format, 33, 96, 32, 1, false, Fill::kExtreme}, 13, "_extreme");
    add({format, 33, 96, 32, 1, false, Fill::kExtreme}, 1, "_extreme");
    add({format, 9, 64, 32, 1, false, Fill::kZero}, 3, "_zero");
    add({format, 24, 384, 32, 1, true}, 1, "_permuted");
    add({format, 24, 384, 128, 1, true}, 9, "_permuted");
    for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
      add_case("linear", grouped_name(format) + "_" + precision_name(precision) + "_orders",
               [=](Session& session) { check_orders(session, format, precision); });
    }
    add_case("embedding", grouped_name(format),
             [=](Session& session) { check_embedding(session, {format, 19, 96, 32}); });
    add_case("embedding", grouped_name(format) + "_permuted",
             [=](Session& session) { check_embedding(session, {format, 19, 96, 32, 1, true}); });
    for (const int64_t num_rows : {1, 8, 512}) {
      add_timed_case("linear", grouped_name(format) + "_ling_mini_" + std::to_string(num_rows) + "x5120x2048",
                     [=](Session& session) { time_product(session, format, 5120, 2048, num_rows); });
    }
  }
}

}  // namespace
}  // namespace optest
