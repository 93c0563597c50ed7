#include "moesaic/device.h"

#include <gtest/gtest.h>

TEST(Device, CreatesAndDestroys) {
  msc_device_options options = {};
  options.struct_size = sizeof(options);
  options.backend = MSC_BACKEND_CPU;
  options.num_threads = 2;
  options.spin_microseconds = UINT32_MAX;
  msc_device* device = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_device_create(&options, &device));
  msc_stream* stream = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_create(device, &stream));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_device_destroy(device));
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream));
  EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device));
}
