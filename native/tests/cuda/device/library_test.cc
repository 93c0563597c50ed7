// libmoesaic_cuda.so itself, as libmoesaic.so uses it.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "core/cuda/library_table.h"
#include "core/cuda/shared_object.h"
#include "moesaic/ops.h"
#include "tests/support/handles.h"

namespace {

/// Needs no device: the table is the one that core was compiled for.
TEST(CudaHostLibrary, AnswersTheHandshake) {
  std::string reason;
  const msc::SharedObject library = msc::SharedObject::open(msc::folder_of_this_library() + "/libmoesaic_cuda.so", &reason);
  ASSERT_TRUE(static_cast<bool>(library)) << reason;
  const auto entry = library.find<msc::cuda::LibraryEntry>(msc::cuda::kLibraryEntry);
  ASSERT_NE(nullptr, entry);
  const msc::cuda::LibraryTable* table = entry();
  ASSERT_NE(nullptr, table);
  EXPECT_EQ(msc::cuda::kLibraryVersion, table->version);
  EXPECT_EQ(sizeof(msc::cuda::LibraryTable), table->size_bytes);
  EXPECT_GE(table->toolkit_version, 12040u);
  // No function is missing.
  const auto* words = reinterpret_cast<void* const*>(&table->device_count);
  const size_t functions = (sizeof(*table) - offsetof(msc::cuda::LibraryTable, device_count)) / sizeof(void*);
  for (size_t i = 0; i < functions; ++i) {
    EXPECT_NE(nullptr, words[i]) << i;
  }
  int32_t count = -1;
  msc::cuda::ErrorText error = {};
  const msc_status status = table->device_count(&count, &error);
  EXPECT_TRUE(status == MSC_STATUS_OK ? count >= 0 : error.text[0] != '\0') << "a failure without a reason";
}

class CudaLibrary : public testing::Test {
 protected:
  void SetUp() override {
    msc_device_options options = {};
    options.struct_size = sizeof(options);
    options.backend = MSC_BACKEND_CUDA;
    msc::test::check(msc_device_create(&options, &device_));
    msc::test::check(msc_stream_create(device_, &stream_));
  }
  void TearDown() override {
    EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream_));
    EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device_)) << msc::test::last_error();
  }

  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
};

TEST_F(CudaLibrary, BuffersAreZeroedAndCopied) {
  for (const uint64_t size : {uint64_t{1}, uint64_t{4097}, (uint64_t{64} << 20) + 3}) {
    msc_buffer* buffer = nullptr;
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_create(device_, size, &buffer)) << msc::test::last_error();
    std::vector<uint8_t> content(size, 1);
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_download(stream_, buffer, 0, content.data(), size));
    ASSERT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_));
    EXPECT_EQ(std::vector<uint8_t>(size, 0), content);
    std::vector<uint8_t> source(size);
    std::iota(source.begin(), source.end(), uint8_t{7});
    const std::vector<uint8_t> expected = source;
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_upload(stream_, buffer, 0, source.data(), size));
    std::fill(source.begin(), source.end(), uint8_t{0});  // may be reused when the call has returned
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_download(stream_, buffer, 0, content.data(), size));
    ASSERT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_));
    EXPECT_EQ(expected, content);
    EXPECT_EQ(MSC_STATUS_OK, msc_buffer_destroy(buffer));
  }
}

TEST_F(CudaLibrary, EventsComeToBeDone) {
  msc_event* event = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_event_create(device_, &event));
  ASSERT_EQ(MSC_STATUS_OK, msc_event_record(event, stream_));
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_));
  int32_t done = 0;
  ASSERT_EQ(MSC_STATUS_OK, msc_event_query(event, &done));
  EXPECT_EQ(1, done);
  EXPECT_EQ(MSC_STATUS_OK, msc_event_destroy(event));
}

TEST_F(CudaLibrary, MoreMemoryThanThereIsIsOutOfResource) {
  msc_buffer* buffer = nullptr;
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, msc_buffer_create(device_, uint64_t{1} << 46, &buffer));
  EXPECT_NE(std::string::npos, msc::test::last_error().find("are free")) << msc::test::last_error();
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_)) << "the device goes on";
}

TEST_F(CudaLibrary, OpsThatAreNotThereAreRefusedByName) {
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_op_rms_norm(stream_, nullptr));
  EXPECT_NE(std::string::npos, msc::test::last_error().find("msc_op_rms_norm: CUDA devices do not run this yet"));
}

}  // namespace
