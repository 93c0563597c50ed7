#pragma once

#include <set>
#include <string>

namespace msc::test {

/// Names of the dynamic symbols that an ELF64 shared library defines and exports; read from the file.
std::set<std::string> exported_symbols(const std::string& path);

/// Linker symbols of an ELF64 object file.
struct ObjectSymbols {
  std::set<std::string> weak;       // defined here and possibly elsewhere: the linker keeps one of all definitions
  std::set<std::string> undefined;  // referred to
};
ObjectSymbols object_symbols(const std::string& path);

/// Names of the shared libraries that a shared library needs (DT_NEEDED).
std::set<std::string> needed_libraries(const std::string& path);

/// Versions of the C library's symbols that a shared library needs, such as "GLIBC_2.34".
std::set<std::string> needed_versions(const std::string& path);

}  // namespace msc::test
