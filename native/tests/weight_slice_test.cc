#include <gtest/gtest.h>

#include <cstdint>

#include "moesaic/weight.h"
#include "tests/support/handles.h"

namespace {

// The stride of a slice of one row is never stepped over, so no value of it may lead anywhere (under
// UndefinedBehaviorSanitizer a pointer moved by it is an error).
TEST(WeightSliceTest, OneRowMayHaveAnyStride) {
  msc::test::Device device;
  msc_weight_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.format = MSC_FORMAT_F32;
  desc.num_experts = 1;
  desc.rows = 1;
  desc.cols = 4;
  desc.scale_format = -1;
  desc.zero_point_format = -1;
  msc_weight* weight = nullptr;
  msc::test::check(msc_weight_create(device.get(), &desc, &weight));
  const float source[4] = {1, 2, 3, 4};
  msc_weight_slice slice = {};
  slice.struct_size = sizeof(slice);
  slice.num_rows = 1;
  slice.source = source;
  slice.source_row_bytes = UINT64_MAX - 15;
  EXPECT_EQ(msc_weight_load(weight, &slice), MSC_STATUS_OK);
  EXPECT_EQ(msc_weight_seal(weight), MSC_STATUS_OK);
  msc::test::check(msc_weight_destroy(weight));
}

}  // namespace
