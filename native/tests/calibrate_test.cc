#include "moesaic/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/handles.h"

namespace {

using msc::test::Device;

msc_calibration empty_result() {
  msc_calibration result = {};
  result.struct_size = sizeof(result);
  return result;
}

void expect_plausible(const msc_calibration& result, uint32_t num_threads) {
  EXPECT_EQ(num_threads, result.num_threads);
  EXPECT_GT(result.minimum, 0);
  EXPECT_LE(result.minimum, result.median);
  EXPECT_LE(result.median, result.maximum);
  EXPECT_TRUE(std::isfinite(result.maximum));
}

TEST(Calibrate, MeasuresEveryLevelOfThisMachine) {
  for (int32_t isa = MSC_ISA_PORTABLE; isa <= msc::test::cpu().best_isa; ++isa) {
    SCOPED_TRACE(isa);
    const Device device({.isa = isa, .num_threads = 2});
    msc_calibration result = empty_result();
    ASSERT_EQ(MSC_STATUS_OK, msc_calibrate_read_bandwidth(device.stream(), 8 << 20, 1e-3, &result));
    expect_plausible(result, 2);
    for (const int32_t peak : {MSC_PEAK_INT8_DOT, MSC_PEAK_F32_FMA}) {
      ASSERT_EQ(MSC_STATUS_OK, msc_calibrate_peak(device.stream(), peak, 1e-3, &result));
      expect_plausible(result, 2);
    }
  }
}

TEST(Calibrate, RefusesBf16WhereTheInstructionIsNotInUse) {
  const Device device({.isa = MSC_ISA_PORTABLE, .num_threads = 1});
  msc_calibration result = empty_result();
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_peak(device.stream(), MSC_PEAK_BF16_DOT, 0.1, &result));
}

TEST(Calibrate, RefusesImpossibleArguments) {
  const Device device({.num_threads = 1});
  msc_calibration result = empty_result();
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_peak(device.stream(), 99, 0.1, &result));
  for (const double seconds : {0.0, -1.0, 61.0, static_cast<double>(NAN)}) {
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_peak(device.stream(), MSC_PEAK_F32_FMA, seconds, &result));
  }
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_read_bandwidth(device.stream(), 100, 0.1, &result));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_read_bandwidth(device.stream(), UINT64_MAX, 0.1, &result));
  result.struct_size = 1;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_calibrate_peak(device.stream(), MSC_PEAK_F32_FMA, 0.1, &result));
}

}  // namespace
