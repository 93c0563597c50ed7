#pragma once

#include <set>
#include <string>

namespace msc::test {

/// Names of the dynamic symbols that an ELF64 shared library defines and exports; read from the file.
std::set<std::string> exported_symbols(const std::string& path);

}  // namespace msc::test
