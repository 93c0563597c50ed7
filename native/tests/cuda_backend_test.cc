// The way to CUDA devices without a GPU: drivers and libraries that are fakes (tests/fakes), good ones and bad ones.
#include <gtest/gtest.h>

#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/cuda/cuda_backend.h"
#include "core/device.h"
#include "core/error.h"
#include "moesaic/ops.h"
#include "tests/fakes/cuda_library.h"
#include "tests/support/handles.h"

namespace {

using msc::cuda::Installation;

std::string fake(const std::string& folder, const char* file) { return std::string(MSC_FAKES_PATH "/") + folder + "/" + file; }

Installation find(const std::string& driver, const std::string& library) {
  return msc::cuda::find_installation({.driver = fake(driver, "libcuda.so.1"), .library = library});
}

Installation good() { return find("driver_12_4", fake("library_good", "libmoesaic_cuda.so")); }

FakeCudaControl& control() {
  void* library = dlopen(fake("library_good", "libmoesaic_cuda.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  return *reinterpret_cast<FakeCudaControl* (*)()>(dlsym(library, "fake_cuda_control"))();
}

void expect_error(msc_status status, const std::string& part, const std::function<void()>& body) {
  try {
    body();
    ADD_FAILURE() << "no error; expected: " << part;
  } catch (const msc::Error& error) {
    EXPECT_EQ(status, error.status()) << error.text();
    EXPECT_NE(std::string::npos, error.text().find(part)) << error.text();
  }
}

void expect_problem(const Installation& installation, const std::string& part) {
  EXPECT_EQ(nullptr, installation.table);
  EXPECT_NE(std::string::npos, installation.problem.find(part)) << installation.problem;
  expect_error(MSC_STATUS_BAD_ARGUMENT, part, [&] { msc::cuda::make_cuda_backend(installation, 0); });
}

TEST(CudaInstallation, AMissingDriverIsNamed) {
  const Installation found =
      msc::cuda::find_installation({.driver = "libcuda-of-nobody.so.1", .library = fake("library_good", "libmoesaic_cuda.so")});
  expect_problem(found, "no NVIDIA driver: libcuda-of-nobody.so.1 was not found");
  EXPECT_EQ(0u, found.driver_version);
  EXPECT_TRUE(found.library_found);
}

TEST(CudaInstallation, ADriverThatDoesNotLoadIsNoMissingDriver) {
  const std::string path = testing::TempDir() + "libcuda-text.so.1";
  std::ofstream(path) << "text";
  const Installation found = msc::cuda::find_installation({.driver = path, .library = {}});
  expect_problem(found, "the NVIDIA driver cannot be loaded: ");
}

TEST(CudaInstallation, WhatIsNoDriverIsRefused) {
  const std::string library = fake("library_good", "libmoesaic_cuda.so");
  expect_problem(msc::cuda::find_installation({.driver = library, .library = library}), "it has no function cuDriverGetVersion");
  expect_problem(find("driver_stub", library), "does not tell its version (error 34)");
}

TEST(CudaInstallation, AMissingLibraryIsNamedWithItsPlace) {
  const Installation found = find("driver_12_4", "/nowhere/libmoesaic_cuda.so");
  expect_problem(found, "libmoesaic_cuda.so is not where it belongs, /nowhere/libmoesaic_cuda.so: build it with: cmake --preset cuda");
  EXPECT_FALSE(found.library_found);
  EXPECT_EQ(12040u, found.driver_version);
}

TEST(CudaInstallation, TheLibraryBelongsBesideThisCode) {
  const Installation found = msc::cuda::find_installation({.driver = "libcuda-of-nobody.so.1", .library = {}});
  EXPECT_EQ(std::string(MSC_TEST_FOLDER "/libmoesaic_cuda.so"), found.library_path);
}

TEST(CudaInstallation, AnotherLibraryIsRefused) {
  expect_problem(find("driver_12_4", fake("driver_12_4", "libcuda.so.1")), "is another library: it has no function msc_cuda_library");
  const std::string text = testing::TempDir() + "libmoesaic_cuda.so";
  std::ofstream(text) << "text";
  expect_problem(find("driver_12_4", text), text + " cannot be loaded: ");
}

TEST(CudaInstallation, AnotherBuildIsRefusedWithBothNumbers) {
  const std::string version = std::to_string(msc::cuda::kLibraryVersion);
  const std::string size = std::to_string(sizeof(msc::cuda::LibraryTable));
  const std::string wanted = "expects version " + version + " and " + size;
  expect_problem(find("driver_12_4", fake("library_version", "libmoesaic_cuda.so")),
                 "has version " + std::to_string(msc::cuda::kLibraryVersion + 1) + " and " + size + " bytes, this library " + wanted);
  expect_problem(find("driver_12_4", fake("library_size", "libmoesaic_cuda.so")),
                 "has version " + version + " and " + std::to_string(sizeof(msc::cuda::LibraryTable) - 8));
}

TEST(CudaInstallation, AnOldDriverIsRefusedWithBothNumbers) {
  expect_problem(find("driver_11_8", fake("library_good", "libmoesaic_cuda.so")),
                 "the NVIDIA driver is too old: it runs CUDA 11.8, libmoesaic_cuda.so was built with CUDA 12.4 and needs at least 12.0");
}

TEST(CudaInstallation, APartlyOldDriverRunsMachineCodeAlone) {
  const Installation found = find("driver_12_2", fake("library_good", "libmoesaic_cuda.so"));
  ASSERT_NE(nullptr, found.table) << found.problem;
  EXPECT_NE(nullptr, msc::cuda::make_cuda_backend(found, 0));  // compute capability 9.0
  expect_error(MSC_STATUS_BAD_ARGUMENT, "it runs CUDA 12.2, they were built with CUDA 12.4",
               [&] { msc::cuda::make_cuda_backend(found, 1); });
  EXPECT_NE(nullptr, msc::cuda::make_cuda_backend(good(), 1));  // compute capability 8.0
}

TEST(CudaInstallation, DevicesThatCannotBeUsedAreNamed) {
  const Installation found = good();
  ASSERT_NE(nullptr, found.table) << found.problem;
  expect_error(MSC_STATUS_BAD_ARGUMENT, "CUDA device 2 (Fake 2) has compute capability 7.0, the kernels need at least 8.0",
               [&] { msc::cuda::make_cuda_backend(found, 2); });
  expect_error(MSC_STATUS_BAD_ARGUMENT, "there is no CUDA device 3: the driver finds 3", [&] { msc::cuda::make_cuda_backend(found, 3); });
  expect_error(MSC_STATUS_BAD_ARGUMENT, "there is no CUDA device -1", [&] { msc::cuda::make_cuda_backend(found, -1); });
  control().num_devices = 0;
  expect_error(MSC_STATUS_BAD_ARGUMENT, "finds no CUDA device", [&] { msc::cuda::make_cuda_backend(found, 0); });
  control().num_devices = 3;
}

/// A device on the fake library, with a stream, behind the entries of the ABI.
class CudaDevice : public testing::Test {
 protected:
  void SetUp() override {
    device_ = new msc_device(msc::cuda::make_cuda_backend(good(), 0));
    msc::test::check(msc_stream_create(device_, &stream_));
    msc::test::check(msc_buffer_create(device_, 64, &buffer_));
    msc::test::check(msc_event_create(device_, &event_));
  }
  void TearDown() override {
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_device_destroy(device_)) << "it still has objects";
    EXPECT_EQ(MSC_STATUS_OK, msc_event_destroy(event_));
    EXPECT_EQ(MSC_STATUS_OK, msc_buffer_destroy(buffer_));
    EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream_));
    EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device_)) << msc::test::last_error();
    EXPECT_EQ(0, control().num_allocations);
    EXPECT_EQ(0, control().num_streams);
    EXPECT_EQ(0, control().num_events);
  }
  static void fail_next(msc_status status, const char* text) {
    control().next_status = status;
    control().next_text = text;
  }
  static void expect_text(const std::string& part) {
    EXPECT_NE(std::string::npos, msc::test::last_error().find(part)) << msc::test::last_error();
  }

  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
  msc_buffer* buffer_ = nullptr;
  msc_event* event_ = nullptr;
};

TEST_F(CudaDevice, IsNoCpu) {
  msc_device_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(MSC_STATUS_OK, msc_device_query(device_, &info));
  EXPECT_EQ(MSC_BACKEND_CUDA, info.backend);
  EXPECT_EQ(0, info.isa);
  void* address = nullptr;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_buffer_host_pointer(buffer_, &address));
  expect_text("the host cannot reach the memory of a CUDA device");
}

TEST_F(CudaDevice, CopiesInTheOrderOfItsStream) {
  std::vector<char> content(64, 'x');
  ASSERT_EQ(MSC_STATUS_OK, msc_buffer_download(stream_, buffer_, 0, content.data(), 64));
  std::string source = "moesaic";
  ASSERT_EQ(MSC_STATUS_OK, msc_buffer_upload(stream_, buffer_, 5, source.data(), 7));
  source = "changed";  // may be reused at once
  std::string back(7, ' ');
  ASSERT_EQ(MSC_STATUS_OK, msc_buffer_download(stream_, buffer_, 5, back.data(), 7));
  ASSERT_EQ(MSC_STATUS_OK, msc_event_record(event_, stream_));
  int32_t done = -1;
  ASSERT_EQ(MSC_STATUS_OK, msc_event_query(event_, &done));
  EXPECT_EQ(0, done);
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_));
  EXPECT_EQ("moesaic", back);
  EXPECT_EQ(std::vector<char>(64, 0), content) << "not zeroed, or copied after the upload";
  ASSERT_EQ(MSC_STATUS_OK, msc_event_query(event_, &done));
  EXPECT_EQ(1, done);
}

TEST_F(CudaDevice, RunsNoOpYet) {
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_op_rms_norm(stream_, nullptr));
  expect_text("msc_op_rms_norm: CUDA devices do not run this yet");
}

TEST_F(CudaDevice, FailuresKeepTheirClass) {
  fail_next(MSC_STATUS_OUT_OF_RESOURCE, "out of memory (cudaErrorMemoryAllocation)");
  msc_buffer* buffer = nullptr;
  EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, msc_buffer_create(device_, 1 << 20, &buffer));
  expect_text("1048576 bytes of device memory were asked for, 4096 are free");
  EXPECT_EQ(nullptr, buffer);
  fail_next(MSC_STATUS_REQUEST_FAILED, "odd");
  EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, msc_stream_synchronize(stream_));
  expect_text("work of the stream failed: odd");
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_)) << "nothing is kept of such a failure";
}

// Device 1, since a lost device stays lost for the process.
TEST(CudaLostDevice, FailsEverythingAfterItWithTheFirstCause) {
  msc_device* device = new msc_device(msc::cuda::make_cuda_backend(good(), 1));
  msc_stream* stream = nullptr;
  msc_buffer* buffer = nullptr;
  msc_event* event = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_create(device, &stream));
  ASSERT_EQ(MSC_STATUS_OK, msc_buffer_create(device, 8, &buffer));
  ASSERT_EQ(MSC_STATUS_OK, msc_event_create(device, &event));
  ASSERT_EQ(MSC_STATUS_OK, msc_event_record(event, stream));
  control().next_status = MSC_STATUS_DEVICE_LOST;
  control().next_text = "an illegal memory access was encountered (cudaErrorIllegalAddress)";
  EXPECT_EQ(MSC_STATUS_DEVICE_LOST, msc_stream_synchronize(stream));
  const int64_t calls = control().num_calls;
  char host[8] = {};
  int32_t done = 0;
  msc_stream* other_stream = nullptr;
  msc_buffer* other_buffer = nullptr;
  const std::function<msc_status()> later[] = {
      [&] { return msc_stream_synchronize(stream); },
      [&] { return msc_stream_create(device, &other_stream); },
      [&] { return msc_buffer_create(device, 8, &other_buffer); },
      [&] { return msc_buffer_upload(stream, buffer, 0, host, 8); },
      [&] { return msc_buffer_download(stream, buffer, 0, host, 8); },
      [&] { return msc_event_record(event, stream); },
      [&] { return msc_event_query(event, &done); },
  };
  for (const auto& call : later) {
    EXPECT_EQ(MSC_STATUS_DEVICE_LOST, call());
    const std::string text = msc::test::last_error();
    EXPECT_NE(std::string::npos, text.find("cudaErrorIllegalAddress")) << text;
    EXPECT_NE(std::string::npos, text.find("restart the worker")) << text;
  }
  EXPECT_EQ(calls, control().num_calls) << "the driver is not asked again";
  // Another opening of the same device shares its context.
  expect_error(MSC_STATUS_DEVICE_LOST, "cudaErrorIllegalAddress", [] { msc::cuda::make_cuda_backend(good(), 1); });
  EXPECT_NE(nullptr, msc::cuda::make_cuda_backend(good(), 0)) << "another device is not lost";
  EXPECT_EQ(MSC_STATUS_OK, msc_event_destroy(event));
  EXPECT_EQ(MSC_STATUS_OK, msc_buffer_destroy(buffer));
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream));
  EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device));
}

}  // namespace
