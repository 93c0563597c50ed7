#pragma once

#include <cstdint>

#include "core/error.h"
#include "moesaic/device.h"

namespace msc {

/// Refuses a NULL argument.
inline void check_pointer(const void* pointer, const char* name) {
  MSC_CHECK_ARGUMENT(pointer != nullptr, "%s is NULL", name);
}

/// Refuses a structure that is NULL or was compiled against another layout.
template <class Struct>
void check_struct(const Struct* value, const char* name) {
  check_pointer(value, name);
  MSC_CHECK_ARGUMENT(value->struct_size == sizeof(Struct),
                     "%s->struct_size is %u, this library expects %zu: set it to sizeof, and compile caller and library "
                     "from the same headers",
                     name, value->struct_size, sizeof(Struct));
}

/// Refuses a padding field that is not zero, so that it can get a meaning later.
inline void check_reserved(int64_t value, const char* name) {
  MSC_CHECK_ARGUMENT(value == 0, "%s is %lld, must be 0", name, static_cast<long long>(value));
}

}  // namespace msc
