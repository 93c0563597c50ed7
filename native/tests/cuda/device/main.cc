// The op tests of native/tests/cuda/ops against a device. Where there is none each case says that it is skipped, and why.
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "tests/cuda/device/kernel_log.h"

namespace {

/// Skips every test but those that need no device, and reports writes outside of arrays.
class DeviceListener : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo& test) override {
    const std::string& reason = cuda_on_device::missing_device();
    if (!reason.empty() && !std::string_view(test.test_suite_name()).starts_with("CudaHost")) {
      skip(reason);
    }
  }

  void OnTestEnd(const testing::TestInfo&) override {
    for (const std::string& fault : cuda_on_device::take_faults()) {
      ADD_FAILURE() << fault;
    }
  }

 private:
  static void skip(const std::string& reason) { GTEST_SKIP() << reason; }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new DeviceListener);
  try {
    const std::string& reason = cuda_on_device::missing_device();
    std::printf("device: %s\n", reason.empty() ? cuda_on_device::device_text().c_str() : reason.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return RUN_ALL_TESTS();
}
