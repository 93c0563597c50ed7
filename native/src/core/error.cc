#include "core/error.h"

#include <cstdarg>
#include <cstdio>

namespace msc {

void throw_error(msc_status status, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text;
  try {
    text.resize(length > 0 ? static_cast<size_t>(length) : 0);
  } catch (...) {
    va_end(again);
    throw;
  }
  if (length > 0) {
    std::vsnprintf(text.data(), text.size() + 1, format, again);
  }
  va_end(again);
  throw Error(status, std::move(text));
}

}  // namespace msc
