#include "core/tensor.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/support/handles.h"

namespace {

using msc::test::Device;

constexpr uint64_t kBytes = 1024;

class TensorTest : public testing::Test {
 protected:
  TensorTest() : device_({.num_threads = 1}) { msc::test::check(msc_buffer_create(device_.get(), kBytes, &buffer_)); }
  ~TensorTest() override { msc_buffer_destroy(buffer_); }

  /// [4, 8] floats with a stride of 10 at byte 64.
  msc_tensor valid() const {
    msc_tensor tensor = {};
    tensor.buffer = buffer_;
    tensor.offset_bytes = 64;
    tensor.rows = 4;
    tensor.cols = 8;
    tensor.row_stride = 10;
    tensor.format = MSC_FORMAT_F32;
    return tensor;
  }

  void expect_refused(const msc_tensor& tensor, const std::string& part) const {
    try {
      msc::matrix<float>(tensor, device_.get(), "weights");
      FAIL() << "accepted; expected a refusal with: " << part;
    } catch (const msc::Error& error) {
      EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, error.status());
      EXPECT_NE(error.text().find("'weights'"), std::string::npos) << error.text();
      EXPECT_NE(error.text().find(part), std::string::npos) << error.text();
    }
  }

  Device device_;
  msc_buffer* buffer_ = nullptr;
};

TEST_F(TensorTest, ViewsTheBuffer) {
  const auto view = msc::matrix<float>(valid(), device_.get(), "weights");
  void* base = nullptr;
  msc::test::check(msc_buffer_host_pointer(buffer_, &base));
  EXPECT_EQ(static_cast<std::byte*>(base) + 64, reinterpret_cast<std::byte*>(view.data));
  EXPECT_EQ(view.data + 30, view.row(3));
}

TEST_F(TensorTest, MayEndWithTheBuffer) {
  msc_tensor tensor = valid();
  tensor.offset_bytes = kBytes - (3 * 10 + 8) * 4;
  EXPECT_NO_THROW(msc::matrix<float>(tensor, device_.get(), "weights"));
  tensor.offset_bytes += 4;
  expect_refused(tensor, "beyond its buffer of 1024 bytes");
}

TEST_F(TensorTest, MayHaveNoRows) {
  msc_tensor tensor = valid();
  tensor.rows = 0;
  EXPECT_NO_THROW(msc::matrix<float>(tensor, device_.get(), "weights"));
  tensor.offset_bytes = kBytes + 4;
  expect_refused(tensor, "beyond");
}

TEST_F(TensorTest, RefusesWhatOverflows) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  for (const int64_t rows : {int64_t{2}, int64_t{1} << 31, int64_t{1} << 61, kHuge}) {
    for (const int64_t stride : {int64_t{1} << 31, int64_t{1} << 61, (int64_t{1} << 62) + 1, kHuge}) {
      msc_tensor tensor = valid();
      tensor.rows = rows;
      tensor.row_stride = stride;
      expect_refused(tensor, "beyond");
    }
  }
  msc_tensor tensor = valid();
  tensor.offset_bytes = std::numeric_limits<uint64_t>::max() - 3;
  expect_refused(tensor, "beyond");
  tensor = valid();
  tensor.cols = tensor.row_stride = kHuge;
  expect_refused(tensor, "beyond");
}

TEST_F(TensorTest, RefusesNonsense) {
  msc_tensor tensor = valid();
  tensor.buffer = nullptr;
  expect_refused(tensor, "absent");
  tensor = valid();
  tensor.offset_bytes = 65;
  expect_refused(tensor, "not a multiple");
  tensor = valid();
  tensor.format = MSC_FORMAT_I32;
  expect_refused(tensor, "format");
  tensor = valid();
  tensor.rows = -1;
  expect_refused(tensor, "rows");
  tensor = valid();
  tensor.cols = 0;
  expect_refused(tensor, "columns");
  tensor = valid();
  tensor.row_stride = 7;
  expect_refused(tensor, "row_stride");
  tensor = valid();
  tensor.reserved = 1;
  expect_refused(tensor, "reserved");
}

TEST_F(TensorTest, RefusesABufferOfAnotherDevice) {
  const Device other({.num_threads = 1});
  msc_buffer* foreign = nullptr;
  msc::test::check(msc_buffer_create(other.get(), kBytes, &foreign));
  msc_tensor tensor = valid();
  tensor.buffer = foreign;
  expect_refused(tensor, "another device");
  msc_buffer_destroy(foreign);
}

TEST_F(TensorTest, AnAbsentOptionalTensorIsEmpty) {
  EXPECT_FALSE(msc::optional_matrix<float>({}, device_.get(), "bias"));
  EXPECT_TRUE(msc::optional_matrix<float>(valid(), device_.get(), "bias"));
}

}  // namespace
