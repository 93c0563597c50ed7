// That the shipped library runs on older machines and systems than the one it was built on.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "tests/support/elf_symbols.h"

namespace {

/// Object files of the library by the instruction-set suffix of their source; "" is baseline code.
std::map<std::string, std::set<std::string>> objects_by_suffix() {
  std::map<std::string, std::set<std::string>> objects;
  const std::regex suffixed(R"(_(avx2|avx512|avx512vnni|avx512bf16|avxvnni)\.cc\.o$)");
  for (const char* folder : {MSC_CORE_OBJECT_PATH, MSC_ABI_OBJECT_PATH}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string path = entry.path().string();
      if (entry.path().extension() == ".o") {
        std::smatch match;
        objects[std::regex_search(path, match, suffixed) ? match[1].str() : ""].insert(path);
      }
    }
  }
  return objects;
}

/// A weak symbol of an instruction-set file that code of another set uses too would be code that other machines lack:
/// the linker keeps any one of the definitions.
TEST(Portability, NoInlineFunctionLeaksOutOfAnInstructionSetFile) {
  std::map<std::string, std::map<std::string, std::string>> weak_by_suffix;  // suffix, symbol, object
  std::map<std::string, std::set<std::string>> used_by_suffix;
  for (const auto& [suffix, objects] : objects_by_suffix()) {
    for (const std::string& object : objects) {
      const auto symbols = msc::test::object_symbols(object);
      for (const std::string& symbol : symbols.weak) {
        if (symbol.starts_with("DW.ref.")) {
          continue;  // an address for unwinding, no code
        }
        weak_by_suffix[suffix][symbol] = object;
        used_by_suffix[suffix].insert(symbol);
      }
      used_by_suffix[suffix].insert(symbols.undefined.begin(), symbols.undefined.end());
    }
  }
  ASSERT_GT(used_by_suffix[""].size(), 10u) << "the object files were not found";
  for (const auto& [suffix, weak] : weak_by_suffix) {
    for (const auto& [other, used] : used_by_suffix) {
      for (const auto& [symbol, object] : weak) {
        const bool leaks = !suffix.empty() && other != suffix && used.contains(symbol);
        EXPECT_FALSE(leaks) << symbol << " of " << object << " is used by " << (other.empty() ? "baseline" : other)
                            << " code too: put it in an anonymous namespace";
      }
    }
  }
}

TEST(Portability, NeedsTheCLibraryAlone) {
  const std::set<std::string> allowed = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2",
                                         "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};
  for (const std::string& library : msc::test::needed_libraries(MSC_LIBRARY_PATH)) {
    EXPECT_TRUE(allowed.contains(library)) << library;
  }
}

#if defined(__GLIBC__) && (__GLIBC__ == 2 && __GLIBC_MINOR__ <= 36)
TEST(Portability, NeedsNoNewerCLibraryThanDebian12) {
  for (const std::string& version : msc::test::needed_versions(MSC_LIBRARY_PATH)) {
    int minor = 0;
    if (std::sscanf(version.c_str(), "GLIBC_2.%d", &minor) == 1) {
      EXPECT_LE(minor, 36) << version;
    }
  }
  EXPECT_FALSE(msc::test::needed_versions(MSC_LIBRARY_PATH).empty());
}
#endif

}  // namespace
