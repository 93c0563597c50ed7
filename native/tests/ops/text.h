#pragma once

#include <sstream>
#include <string>

namespace optest {

/// All parts in one string. (GCC 12 warns of overlapping copies in `"literal" + std::string` at -O3.)
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

}  // namespace optest
