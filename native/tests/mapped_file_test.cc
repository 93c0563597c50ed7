#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/handles.h"

namespace {

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = (std::filesystem::path(testing::TempDir()) / (std::string("moesaic_map_") + test->name())).string();
  }
  ~MappedFileTest() override { std::filesystem::remove_all(path_); }

  void write(const std::string& content) const { std::ofstream(path_, std::ios::binary) << content; }

  std::string path_;
};

struct Mapping {
  msc_mapped_file* file = nullptr;
  const void* address = nullptr;
  uint64_t size = 0;

  explicit Mapping(const std::string& path) {
    msc::test::check(msc_mapped_file_open(path.c_str(), &file));
    msc::test::check(msc_mapped_file_view(file, &address, &size));
  }
  ~Mapping() { EXPECT_EQ(MSC_STATUS_OK, msc_mapped_file_close(file)); }
};

TEST_F(MappedFileTest, ShowsTheContent) {
  const std::string content = "some bytes\0and more" + std::string(10000, 'x');
  write(content);
  const Mapping mapping(path_);
  ASSERT_EQ(content.size(), mapping.size);
  EXPECT_EQ(0, std::memcmp(content.data(), mapping.address, content.size()));
}

TEST_F(MappedFileTest, AdviceKeepsTheContent) {
  const std::string content(5 * 4096 + 100, 'y');
  write(content);
  const Mapping mapping(path_);
  for (const int32_t advice : {MSC_FILE_ADVICE_WILL_NEED, MSC_FILE_ADVICE_DONT_NEED}) {
    for (const uint64_t offset : {0u, 1u, 4095u, 4096u, 20579u}) {
      for (const uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{4097}, content.size() - offset}) {
        if (offset + size <= content.size()) {
          EXPECT_EQ(MSC_STATUS_OK, msc_mapped_file_advise(mapping.file, offset, size, advice))
              << msc::test::last_error();
        }
      }
    }
  }
  EXPECT_EQ(0, std::memcmp(content.data(), mapping.address, content.size()));
}

TEST_F(MappedFileTest, RefusesAdviceOutsideTheFile) {
  write(std::string(100, 'z'));
  const Mapping mapping(path_);
  const auto advise = [&](uint64_t offset, uint64_t size, int32_t advice) {
    return msc_mapped_file_advise(mapping.file, offset, size, advice);
  };
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, advise(101, 0, MSC_FILE_ADVICE_WILL_NEED));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, advise(1, 100, MSC_FILE_ADVICE_WILL_NEED));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, advise(50, UINT64_MAX - 10, MSC_FILE_ADVICE_DONT_NEED));
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, advise(0, 1, 3));
}

TEST_F(MappedFileTest, AnEmptyFileHasNoBytes) {
  write("");
  const Mapping mapping(path_);
  EXPECT_EQ(0u, mapping.size);
  EXPECT_EQ(MSC_STATUS_OK, msc_mapped_file_advise(mapping.file, 0, 0, MSC_FILE_ADVICE_DONT_NEED));
}

TEST_F(MappedFileTest, NamesWhatCannotBeOpened) {
  msc_mapped_file* file = nullptr;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_mapped_file_open(path_.c_str(), &file));
  EXPECT_NE(msc::test::last_error().find(path_), std::string::npos) << msc::test::last_error();
  std::filesystem::create_directory(path_);
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_mapped_file_open(path_.c_str(), &file));
  EXPECT_NE(msc::test::last_error().find("not a regular file"), std::string::npos) << msc::test::last_error();
  EXPECT_EQ(nullptr, file);
}

}  // namespace
