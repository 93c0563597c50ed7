#pragma once

#include <utility>

#include "core/error.h"

namespace msc {

/// In a build with MSC_FAULT_INJECTION, throws an int when a test asked for it; else nothing.
#ifdef MSC_FAULT_INJECTION
void fault_point();
#else
inline void fault_point() {}
#endif

/// Maps the exception in flight to a status and stores its text, under the entry's name, as the calling thread's
/// error text; falls back to a fixed text when memory is out. Call from a catch block only.
msc_status status_of_current_exception(const char* entry) noexcept;

/// The only way out of an ABI entry: nothing thrown by `body` crosses it.
template <class Body>
msc_status guard(const char* entry, Body&& body) noexcept {
  try {
    fault_point();
    std::forward<Body>(body)();
    return MSC_STATUS_OK;
  } catch (...) {
    return status_of_current_exception(entry);
  }
}

}  // namespace msc
