#pragma once

#include <exception>
#include <string>
#include <utility>

#include "moesaic/base.h"

namespace msc {

/// What every failure inside the library is thrown as; the ABI guard turns it into a status and the thread's error text.
class Error : public std::exception {
 public:
  Error(msc_status status, std::string text) : status_(status), text_(std::move(text)) {}

  msc_status status() const noexcept { return status_; }
  const std::string& text() const noexcept { return text_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  msc_status status_;
  std::string text_;
};

// MinGW's plain `printf` is the format of Microsoft's C library, which lacks %zu; the text is made by a standard vsnprintf.
#if defined(__MINGW32__) && !defined(__clang__)
#define MSC_PRINTF_FORMAT gnu_printf
#else
#define MSC_PRINTF_FORMAT printf
#endif

/// Throws Error; kept out of line so that checks cost their callers one compare and one cold call.
/// The format is printf's; the text says what failed, with which values, and what to do.
[[noreturn]] void throw_error(msc_status status, const char* format, ...) __attribute__((format(MSC_PRINTF_FORMAT, 2, 3), cold));

#define MSC_CHECK_ARGUMENT(condition, ...)                      \
  do {                                                          \
    if (!(condition)) [[unlikely]] {                            \
      ::msc::throw_error(MSC_STATUS_BAD_ARGUMENT, __VA_ARGS__); \
    }                                                           \
  } while (false)

}  // namespace msc
