#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {
namespace emulated {

/// A vector register as an array.
template <class T, class V>
struct Lanes {
  static constexpr size_t kCount = sizeof(V) / sizeof(T);
  T lane[kCount] = {};

  Lanes() = default;
  explicit Lanes(V vector) { std::memcpy(lane, &vector, sizeof(V)); }
  V vector() const {
    V result;
    std::memcpy(&result, lane, sizeof(V));
    return result;
  }
};

/// Lane by lane: result[i] = f(source[i]), for as many lanes as both vectors have; further result lanes are zero.
template <class To, class VTo, class From, class VFrom, class F>
inline VTo map(VFrom source, F f) {
  const Lanes<From, VFrom> from(source);
  Lanes<To, VTo> to;
  for (size_t i = 0; i < Lanes<To, VTo>::kCount && i < Lanes<From, VFrom>::kCount; ++i) {
    to.lane[i] = f(from.lane[i]);
  }
  return to.vector();
}

template <class T, class V, class F>
inline V map2(V a, V b, F f) {
  const Lanes<T, V> x(a);
  const Lanes<T, V> y(b);
  Lanes<T, V> result;
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    result.lane[i] = f(x.lane[i], y.lane[i]);
  }
  return result.vector();
}

/// Bit i of the mask: predicate(a[i], b[i]).
template <class T, class M, class V, class F>
inline M compare(V a, V b, F predicate) {
  const Lanes<T, V> x(a);
  const Lanes<T, V> y(b);
  M mask = 0;
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    mask = static_cast<M>(mask | (static_cast<M>(predicate(x.lane[i], y.lane[i]) ? 1 : 0) << i));
  }
  return mask;
}

/// Lane i comes from `yes` where bit i of the mask is set, else from `no`.
template <class T, class V, class M>
inline V select(M mask, V yes, V no) {
  const Lanes<T, V> y(yes);
  Lanes<T, V> result(no);
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    if ((mask >> i) & 1) {
      result.lane[i] = y.lane[i];
    }
  }
  return result.vector();
}

}  // namespace emulated
}  // namespace
