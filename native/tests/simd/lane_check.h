#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <vector>

#include "cpu/simd/emulated_lanes.h"

namespace {

template <class T, class V>
using Lanes = emulated::Lanes<T, V>;

/// A vector whose lanes walk through `values`, again and again.
template <class T, class V>
Lanes<T, V> walk(const std::vector<T>& values, size_t first = 0) {
  Lanes<T, V> result;
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    result.lane[i] = values[(first + i) % values.size()];
  }
  return result;
}

/// Lane by lane the same bits.
template <class T, class V>
void expect_lanes(const Lanes<T, V>& expected, V actual, const char* what) {
  const Lanes<T, V> got(actual);
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    EXPECT_EQ(0, std::memcmp(&expected.lane[i], &got.lane[i], sizeof(T)))
        << what << ": lane " << i << " is " << +got.lane[i] << ", expected " << +expected.lane[i];
  }
}

/// op(vector of From)[i] is f(lane i), and zero in lanes that the source does not fill.
template <class To, class VTo, class From, class VFrom, class Op, class F>
void check_map(const std::vector<From>& values, Op op, F f, const char* what) {
  for (size_t first = 0; first < values.size(); ++first) {
    const auto source = walk<From, VFrom>(values, first);
    Lanes<To, VTo> expected;
    for (size_t i = 0; i < Lanes<To, VTo>::kCount && i < Lanes<From, VFrom>::kCount; ++i) {
      expected.lane[i] = f(source.lane[i]);
    }
    expect_lanes(expected, op(source.vector()), what);
  }
}

/// op(a, b)[i] is f(a[i], b[i]) for every pair of values.
template <class T, class V, class Op, class F>
void check_map2(const std::vector<T>& values, Op op, F f, const char* what) {
  for (size_t shift = 0; shift < values.size(); ++shift) {
    for (size_t first = 0; first < values.size(); first += Lanes<T, V>::kCount) {
      const auto a = walk<T, V>(values, first), b = walk<T, V>(values, first + shift);
      Lanes<T, V> expected;
      for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
        expected.lane[i] = f(a.lane[i], b.lane[i]);
      }
      expect_lanes(expected, op(a.vector(), b.vector()), what);
    }
  }
}

/// Bit i of op(a, b) is f(a[i], b[i]) for every pair of values.
template <class T, class V, class Op, class F>
void check_mask(const std::vector<T>& values, Op op, F f, const char* what) {
  for (size_t shift = 0; shift < values.size(); ++shift) {
    for (size_t first = 0; first < values.size(); first += Lanes<T, V>::kCount) {
      const auto a = walk<T, V>(values, first), b = walk<T, V>(values, first + shift);
      uint64_t expected = 0;
      for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
        expected |= uint64_t{f(a.lane[i], b.lane[i])} << i;
      }
      EXPECT_EQ(expected, static_cast<uint64_t>(op(a.vector(), b.vector()))) << what;
    }
  }
}

}  // namespace
