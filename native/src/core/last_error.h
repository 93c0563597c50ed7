#pragma once

#include <cstdint>
#include <string_view>

namespace msc {

/// The calling thread's last error text; empty before the first error.
std::string_view last_error() noexcept;

}  // namespace msc
