// Which symbols the shared library exports, and that nothing thrown inside crosses one of them.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "moesaic/device.h"
#include "tests/support/elf_symbols.h"

namespace {

using Names = std::set<std::string>;

constexpr const char* kArmedSwitch = "msc_fault_injection_armed";

/// Entries that the public headers declare.
Names declared_entries() {
  Names names;
  const std::regex declaration(R"(MSC_API\s+msc_status\s+(\w+)\()");
  for (const auto& file : std::filesystem::directory_iterator(MSC_HEADER_PATH)) {
    std::ifstream stream(file.path());
    const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match) {
      names.insert((*match)[1]);
    }
  }
  return names;
}

TEST(Exports, AreTheDeclaredEntriesAndNothingElse) {
  const Names declared = declared_entries();
  ASSERT_GT(declared.size(), 30u) << "the headers were not read: " MSC_HEADER_PATH;
  const Names exported = msc::test::exported_symbols(MSC_LIBRARY_PATH);
  EXPECT_EQ(declared, exported);
}

/// Calls every exported entry while each guard throws an int; zeros do for the arguments, because the guard comes first.
TEST(Exports, NoneLetsAnExceptionOut) {
  void* library = dlopen(MSC_FAULT_LIBRARY_PATH, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  auto* armed = static_cast<int*>(dlsym(library, kArmedSwitch));
  ASSERT_NE(armed, nullptr);

  Names entries = msc::test::exported_symbols(MSC_FAULT_LIBRARY_PATH);
  entries.erase(kArmedSwitch);
  EXPECT_EQ(entries, msc::test::exported_symbols(MSC_LIBRARY_PATH));

  // Eight words cover every signature here in the registers and stack slots of the C calling conventions; doubles are
  // never read.
  using Entry = msc_status (*)(void*, void*, void*, void*, void*, void*, void*, void*);
  for (const std::string& name : entries) {
    const auto entry = reinterpret_cast<Entry>(dlsym(library, name.c_str()));
    ASSERT_NE(entry, nullptr) << name;
    *armed = 1;
    msc_status status = MSC_STATUS_OK;
    EXPECT_NO_THROW(status = entry(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr)) << name;
    *armed = 0;
    EXPECT_EQ(MSC_STATUS_REQUEST_FAILED, status) << name << " has no guard";

    using CopyError = msc_status (*)(char*, uint64_t, uint64_t*);
    char text[256] = {};
    ASSERT_EQ(MSC_STATUS_OK,
              reinterpret_cast<CopyError>(dlsym(library, "msc_last_error_copy"))(text, sizeof(text), nullptr));
    EXPECT_EQ(std::string(text), name + ": an exception of unknown type was thrown inside the library");
  }
  dlclose(library);
}

/// On a CUDA device an op that is not there says so before it looks at anything else. The library that ships meets a
/// driver and a libmoesaic_cuda.so that are fakes; every exported op is called.
TEST(Exports, OpsRefuseDevicesThatTheyDoNotRunOn) {
  // The loader finds a library that is loaded already by its name.
  ASSERT_NE(nullptr, dlopen(MSC_FAKES_PATH "/driver_12_4/libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) << dlerror();
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / ("exports-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto copy_here = [&](const char* from, const char* name) { std::filesystem::copy_file(from, folder / name); };
  copy_here(MSC_LIBRARY_PATH, "libmoesaic.so");
  copy_here(MSC_FAKES_PATH "/library_good/libmoesaic_cuda.so", "libmoesaic_cuda.so");
  void* library = dlopen((folder / "libmoesaic.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto find = [&](auto* type, const std::string& name) {
    return reinterpret_cast<decltype(type)>(dlsym(library, name.c_str()));
  };
  const auto error_text = [&] {
    char text[2048] = {};
    find(&msc_last_error_copy, "msc_last_error_copy")(text, sizeof(text), nullptr);
    return std::string(text);
  };
  msc_device_options options = {};
  options.struct_size = sizeof(options);
  options.backend = MSC_BACKEND_CUDA;
  msc_device* device = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, find(&msc_device_create, "msc_device_create")(&options, &device)) << error_text();
  msc_stream* stream = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, find(&msc_stream_create, "msc_stream_create")(device, &stream));

  const std::set<std::string> of_a_device = {"msc_batch_create", "msc_kv_cache_create", "msc_kv_cache_page_bytes",
                                             "msc_weight_create", "msc_weight_format_supported"};
  const std::set<std::string> of_a_stream = {"msc_kv_cache_copy_pages", "msc_calibrate_read_bandwidth", "msc_calibrate_peak",
                                             "msc_stream_begin_capture"};
  size_t called = 0;
  using Entry = msc_status (*)(void*, void*, void*, void*);
  for (const std::string& name : msc::test::exported_symbols(MSC_LIBRARY_PATH)) {
    const bool takes_stream = name.starts_with("msc_op_") || of_a_stream.contains(name);
    if (takes_stream || of_a_device.contains(name)) {
      void* first = takes_stream ? static_cast<void*>(stream) : device;
      EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, find(Entry{}, name)(first, nullptr, nullptr, nullptr));
      EXPECT_EQ(name + ": CUDA devices do not run this yet: use a device of MSC_BACKEND_CPU", error_text());
      ++called;
    }
  }
  EXPECT_GT(called, of_a_device.size() + of_a_stream.size() + 10);
  EXPECT_EQ(MSC_STATUS_OK, find(&msc_stream_destroy, "msc_stream_destroy")(stream));
  EXPECT_EQ(MSC_STATUS_OK, find(&msc_device_destroy, "msc_device_destroy")(device));
  std::filesystem::remove_all(folder);
}

}  // namespace
