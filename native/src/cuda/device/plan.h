#pragma once

#include <cstdint>

#include "core/error.h"

namespace msc::cuda {

/// Blocks along a grid's x, and so the rows or tokens of a call.
inline constexpr int64_t kMaxGrid = 0x7FFFFFFF;

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Threads of a block that has `wanted` things to do: whole warps, at most `most`.
inline unsigned threads_for(int64_t wanted, int64_t most) {
  const int64_t threads = divide_up(wanted, 32) * 32;
  return static_cast<unsigned>(threads < 32 ? 32 : threads < most ? threads : most);
}

/// Throws Error (bad argument) unless low <= value <= high. @param field such as "norm: cols".
inline void check_range(int64_t value, int64_t low, int64_t high, const char* field) {
  MSC_CHECK_ARGUMENT(value >= low && value <= high, "%s is %lld, must be %lld to %lld", field, static_cast<long long>(value),
                     static_cast<long long>(low), static_cast<long long>(high));
}

}  // namespace msc::cuda
