// Which symbols the shared library exports, and that nothing thrown inside crosses one of them.
#include <gtest/gtest.h>

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "moesaic/base.h"
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

}  // namespace
