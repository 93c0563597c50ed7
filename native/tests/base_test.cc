#include "moesaic/base.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "core/guard.h"
#include "tests/support/handles.h"

namespace {

using msc::guard;
using msc::test::last_error;

TEST(Guard, TurnsEveryExceptionIntoAStatus) {
  EXPECT_EQ(MSC_STATUS_OK, guard("entry", [] {}));
  EXPECT_EQ(MSC_STATUS_DEVICE_LOST, guard("entry", [] { throw msc::Error(MSC_STATUS_DEVICE_LOST, "gone"); }));
  EXPECT_EQ("entry: gone", last_error());
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, guard("entry", [] { throw std::bad_alloc(); }));
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, guard("entry", [] {
              throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
            }));
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED,
            guard("entry", [] { throw std::system_error(std::make_error_code(std::errc::io_error)); }));
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, guard("entry", [] { throw std::logic_error("a bug"); }));
  EXPECT_EQ("entry: a bug", last_error());
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, guard("entry", [] { throw 1; }));
}

TEST(Guard, FormatsArguments) {
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT,
            guard("entry", [] { MSC_CHECK_ARGUMENT(1 > 2, "%s is %d, expected %d", "rows", -3, 4); }));
  EXPECT_EQ("entry: rows is -3, expected 4", last_error());
}

TEST(LastError, BelongsToItsThread) {
  guard("mine", [] { throw msc::Error(MSC_STATUS_BAD_ARGUMENT, "x"); });
  std::thread([] {
    EXPECT_EQ("", last_error());
    guard("other", [] { throw msc::Error(MSC_STATUS_BAD_ARGUMENT, "y"); });
  }).join();
  EXPECT_EQ("mine: x", last_error());
}

TEST(LastError, IsCutToTheCallersCapacity) {
  guard("e", [] { throw msc::Error(MSC_STATUS_BAD_ARGUMENT, "long text"); });
  char text[6] = "?????";
  uint64_t length = 0;
  EXPECT_EQ(MSC_STATUS_OK, msc_last_error_copy(text, sizeof(text), &length));
  EXPECT_STREQ("e: lo", text);
  EXPECT_EQ(12u, length);
  EXPECT_EQ(MSC_STATUS_OK, msc_last_error_copy(nullptr, 0, &length));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_last_error_copy(nullptr, 1, &length));
}

TEST(Base, DescribesTheBuild) {
  uint32_t version = 0;
  EXPECT_EQ(MSC_STATUS_OK, msc_abi_version(&version));
  EXPECT_EQ(MSC_ABI_VERSION, version);
  char text[256] = {};
  EXPECT_EQ(MSC_STATUS_OK, msc_build_info_copy(text, sizeof(text), nullptr));
  EXPECT_EQ(0u, std::string(text).find("moesaic ")) << text;
}

}  // namespace
