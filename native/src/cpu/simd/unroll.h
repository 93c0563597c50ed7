#pragma once

#include <type_traits>
#include <utility>

#define MSC_ALWAYS_INLINE __attribute__((always_inline))

namespace msc::cpu {

/// body(0), body(1), .., body(N - 1) with constant arguments, written out, so that arrays of vectors indexed by them
/// live in registers.
template <int N, class Body>
MSC_ALWAYS_INLINE inline void unroll(Body&& body) {
  [&]<int... I>(std::integer_sequence<int, I...>) MSC_ALWAYS_INLINE {
    (body(std::integral_constant<int, I>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

/// Hides where a loop's offset comes from. Without it GCC keeps a pointer for every address of an unrolled body and
/// spills them, which costs more than half the speed of the integer kernels.
template <class Integer>
MSC_ALWAYS_INLINE inline void opaque(Integer& value) {
  asm("" : "+r"(value));
}

}  // namespace msc::cpu
