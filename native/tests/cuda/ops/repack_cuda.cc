// Weights in the order of the lanes that read them.
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/cuda/ops/tiled_weights.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

using msc::cuda::Correction;
using msc::cuda::ScaleType;
using msc::cuda::TiledFormat;
using msc::cuda::TiledLayout;
using msc::cuda::WeightCode;
using msc::cuda::WeightSource;

class CudaRepack : public testing::TestWithParam<WeightKind> {};

TEST_P(CudaRepack, KeepsEachValue) {
  for (const auto& [rows, cols] : {std::pair{int64_t{1}, int64_t{256}}, std::pair{int64_t{50}, int64_t{512}}, std::pair{int64_t{33}, int64_t{768}}}) {
    optest::Rng rng(std::string_view(GetParam().name));
    const TiledWeights weights(rng, GetParam(), 2, rows, cols);
    const TiledLayout& layout = weights.layout();
    for (int64_t e = 0; e < 2; ++e) {
      for (int64_t r = 0; r < rows; ++r) {
        std::vector<float> values(static_cast<size_t>(cols));
        read_row(layout, static_cast<const uint8_t*>(weights.data()) + e * layout.matrix_bytes, r, values.data());
        ASSERT_NO_FATAL_FAILURE(optest::expect_bits_equal(values, std::vector<float>(weights.row(e, r), weights.row(e, r) + cols), "row"));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Host, CudaRepack, testing::ValuesIn(weight_kinds()), [](const auto& info) { return info.param.name; });

template <class F>
void expect_error(F&& f, const char* part) {
  try {
    f();
    ADD_FAILURE() << "accepted; expected: " << part;
  } catch (const msc::Error& error) {
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, error.status());
    EXPECT_NE(std::string::npos, error.text().find(part)) << error.text();
  }
}

TEST(CudaRepackPlan, RefusesOtherFormatsByName) {
  expect_error([] { tiled_format(WeightSource{MSC_FORMAT_IQ2_XXS, 0, false, false, false}); }, "IQ2_XXS");
  expect_error([] { tiled_format(WeightSource{MSC_FORMAT_F16, 0, false, false, false}); }, "F16");
  expect_error([] { tiled_format(WeightSource{MSC_FORMAT_MXFP4, 0, false, false, false}); }, "MXFP4");
  expect_error([] { tiled_format(WeightSource{999, 0, false, false, false}); }, "999");
  expect_error([] { tiled_format(WeightSource{MSC_FORMAT_U4, 0, false, false, false}); }, "group_cols is 0");
  expect_error([] { tiled_format(WeightSource{MSC_FORMAT_Q8_0, 32, false, false, false}); }, "group_cols is 32");
}

TEST(CudaRepackPlan, RefusesShapes) {
  const TiledFormat u4 = {WeightCode::kU4, ScaleType::kF32, Correction::kZeroPoint, 48};
  expect_error([&] { msc::cuda::lay_out_weight(u4, 16, 128); }, "group_cols is 48");
  expect_error([&] { msc::cuda::lay_out_weight({WeightCode::kI8, ScaleType::kNone, Correction::kNone, 32}, 16, 128); }, "scale is 0");
  expect_error([&] { msc::cuda::lay_out_weight({WeightCode::kBf16, ScaleType::kNone, Correction::kNone, 0}, 0, 128); }, "rows is 0");
}

TEST(CudaRepackPlan, RefusesRows) {
  const WeightSource source = {MSC_FORMAT_U4, 64, true, false, false};
  const TiledLayout layout = lay_out_weight(tiled_format(source), 40, 64);
  std::vector<uint8_t> matrix(static_cast<size_t>(layout.matrix_bytes));
  std::vector<uint8_t> codes(40 * 32);
  std::vector<float> scales(40, 0.5f);
  std::vector<int16_t> zeros(40, 3);
  const auto repack = [&](int64_t first, int64_t count) {
    repack_rows(source, layout, {codes.data(), 32, scales.data(), zeros.data()}, first, count, matrix.data());
  };
  EXPECT_NO_THROW(repack(0, 16));
  EXPECT_NO_THROW(repack(16, 24));
  expect_error([&] { repack(0, 41); }, "num_rows is 41");
  expect_error([&] { repack(8, 16); }, "multiples of 16");
  expect_error([&] { repack(0, 20); }, "multiples of 16");
  zeros[3] = 256;
  expect_error([&] { repack(0, 16); }, "zero point 0 of row 3 is 256");
  zeros[3] = 3;
  scales[5] = 0.1f;
  expect_error([&] { repack(0, 16); }, "row 5 has the scale or zero point 0.1");
  scales[5] = 65536.0f;
  expect_error([&] { repack(0, 16); }, "row 5");
  scales[5] = 0x1p-24f;
  EXPECT_NO_THROW(repack(0, 16));
  scales[5] = 0x1.8p-24f;
  expect_error([&] { repack(0, 16); }, "row 5");
  const WeightSource symmetric = {MSC_FORMAT_U4, 64, false, true, false};
  const TiledLayout plain = lay_out_weight(tiled_format(symmetric), 40, 64);
  expect_error([&] { repack_rows(symmetric, plain, {codes.data(), 32, scales.data(), zeros.data()}, 0, 16, matrix.data()); }, "all are 8");
  expect_error([&] { repack_rows(source, layout, {codes.data(), 31, scales.data(), zeros.data()}, 0, 16, matrix.data()); }, "row_bytes is 31");
  expect_error([&] { repack_rows(source, layout, {codes.data(), 32, nullptr, zeros.data()}, 0, 16, matrix.data()); }, "scales");
  expect_error([&] { repack_rows(source, layout, {codes.data(), 32, scales.data(), nullptr}, 0, 16, matrix.data()); }, "zero_points");
}

}  // namespace
}  // namespace cuda_ops
