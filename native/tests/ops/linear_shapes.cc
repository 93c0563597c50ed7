// The linear op of every format and precision on edge shapes, against the plain reference.
#include <gtest/gtest.h>

#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

struct Shape {
  int64_t num_rows, outputs, blocks;  // blocks: of the widest format, so columns / 256 or / 32
  Layout layout;
  Fill fill;
};

std::string name_of(const Shape& s) {
  const char* fill = s.fill == Fill::kRandom ? "" : s.fill == Fill::kExtreme ? "_extreme" : "_zero";
  return std::to_string(s.num_rows) + "x" + std::to_string(s.outputs) + "x" + std::to_string(s.blocks) + "b" + fill +
         (s.layout.row_padding != 0 ? "_strided" : "");
}

void check_product(Session& session, int32_t format, int32_t precision, const Shape& shape) {
  uint64_t block = 0, bytes = 0;
  msc_format_block(format, &block, &bytes);
  // Float formats have no block: widths around the chunk of 256 columns and odd ones.
  const int64_t cols = block > 1 ? static_cast<int64_t>(block) * shape.blocks : 85 * shape.blocks + 1;
  const TestWeight weight = make_weight(session, format, shape.outputs, cols, 1, 0.1, shape.fill);
  const std::vector<float> x = session.rng().normals(shape.num_rows * cols);
  GuardedTensor& input = session.input("input", shape.num_rows, cols, x, shape.layout);
  GuardedTensor& out = session.output("out", shape.num_rows, shape.outputs, shape.layout);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });

  std::vector<std::vector<float>> expected;
  const std::vector<float> rounded = rounded_input(session, format, precision, x);
  msc::cpu::reference_linear({MSC_EPILOGUE_STORE, shape.num_rows, cols, rounded.data(),
                              {{weight.values.data(), nullptr, shape.outputs}}},
                             expected);
  if (shape.fill == Fill::kZero && is_quantised(format)) {
    expect_nmse(out.floats(), expected[0], 0, "zero weights");
    return;
  }
  const bool few = shape.num_rows * shape.outputs < 64;  // a single output may be near zero by chance
  expect_nmse(out.floats(), expected[0], few ? 1e-9 : 1e-12, "against the same rounded input");

  if (precision == MSC_PRECISION_FAST && !few) {
    msc::cpu::reference_linear(
        {MSC_EPILOGUE_STORE, shape.num_rows, cols, x.data(), {{weight.values.data(), nullptr, shape.outputs}}},
        expected);
    // Rounding to multiples of max / 127 has a variance of (max / 127)^2 / 12: 3e-5 of that of normal values, whose largest
    // of 32 is 2.5 deviations. Rows of a few blocks have few independent errors to average: 1.13e-4 is the most seen.
    expect_nmse(out.floats(), expected[0], cols <= 256 ? 2e-4 : 1e-4, "against exact arithmetic");
  }
}

/// NVFP4 rows of two slices with a factor each.
void check_factors(Session& session, int32_t precision) {
  const int64_t rows = 37, cols = 256, split = 13;
  const float factors[] = {0.37f, 5.1f};
  const std::vector<std::byte> source = random_blocks(session.rng(), MSC_FORMAT_NVFP4, rows * cols);
  std::vector<float> values(static_cast<size_t>(rows * cols));
  ASSERT_EQ(msc_dequantize(MSC_FORMAT_NVFP4, source.data(), values.size(), values.data()), MSC_STATUS_OK);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] *= factors[static_cast<int64_t>(i) < split * cols ? 0 : 1];
  }
  msc_weight_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.format = MSC_FORMAT_NVFP4;
  desc.num_experts = 1;
  desc.rows = rows;
  desc.cols = cols;
  desc.scale_format = -1;
  desc.zero_point_format = -1;
  TestWeight weight = {};
  ASSERT_EQ(msc_weight_create(session.device(), &desc, &weight.handle), MSC_STATUS_OK);
  session.keep([handle = weight.handle] { msc_weight_destroy(handle); });
  constexpr uint64_t kRowBytes = cols / 64 * 36;
  for (int part = 0; part < 2; ++part) {
    msc_weight_slice slice = {};
    slice.struct_size = sizeof(slice);
    slice.factor = factors[part];
    slice.row_begin = part == 0 ? 0 : split;
    slice.num_rows = part == 0 ? split : rows - split;
    slice.source = source.data() + static_cast<uint64_t>(slice.row_begin) * kRowBytes;
    slice.source_row_bytes = kRowBytes;
    ASSERT_EQ(msc_weight_load(weight.handle, &slice), MSC_STATUS_OK);
  }
  ASSERT_EQ(msc_weight_seal(weight.handle), MSC_STATUS_OK);
  const std::vector<float> x = session.rng().normals(3 * cols);
  GuardedTensor& input = session.input("input", 3, cols, x);
  GuardedTensor& out = session.output("out", 3, rows);
  msc_linear_params params = linear_params(precision, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); });
  std::vector<std::vector<float>> expected;
  const std::vector<float> rounded = rounded_input(session, MSC_FORMAT_NVFP4, precision, x);
  msc::cpu::reference_linear({MSC_EPILOGUE_STORE, 3, cols, rounded.data(), {{values.data(), nullptr, rows}}}, expected);
  expect_nmse(out.floats(), expected[0], 1e-12, "rows with factors");
}

OP_CASES(linear_shapes) {
  for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
    add_case("linear", std::string("nvfp4_factors_") + precision_name(precision),
             [=](Session& session) { check_factors(session, precision); });
  }
  std::vector<Shape> shapes;
  for (const int64_t outputs : {1, 7, 8, 9, 17, 40}) {
    for (const int64_t num_rows : {1, 2, 3}) {
      shapes.push_back({num_rows, outputs, 2, {}, Fill::kRandom});
    }
  }
  for (const int64_t num_rows : {4, 5, 6, 7, 8, 9, 33, 70, 150}) {
    shapes.push_back({num_rows, 24, 1, {}, Fill::kRandom});
  }
  for (const int64_t blocks : {3, 9, 67}) {  // 67 blocks of 32 pass the columns that one chunk of a kernel takes
    shapes.push_back({1, 16, blocks, {}, Fill::kRandom});
    shapes.push_back({14, 16, blocks, {}, Fill::kRandom});
  }
  shapes.push_back({5, 19, 2, {13, 3}, Fill::kRandom});
  shapes.push_back({13, 33, 3, {}, Fill::kExtreme});
  shapes.push_back({1, 33, 3, {}, Fill::kExtreme});
  shapes.push_back({3, 9, 2, {}, Fill::kZero});
  for (const int32_t format : kLinearFormats) {
    for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
      for (const Shape& shape : shapes) {
        add_case("linear", format_name(format) + "_" + precision_name(precision) + "_" + name_of(shape),
                 [=](Session& session) { check_product(session, format, precision, shape); });
      }
    }
  }
}

}  // namespace
}  // namespace optest
