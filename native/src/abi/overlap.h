#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace msc {

/// Whether two views share an element; views of disjoint columns of one matrix do not.
inline bool overlaps(const Matrix<float>& a, const Matrix<float>& b) {
  if (a.rows == 0 || b.rows == 0) {
    return false;
  }
  const auto begin = [](const Matrix<float>& m) { return reinterpret_cast<uintptr_t>(m.data); };
  const auto end = [](const Matrix<float>& m) { return reinterpret_cast<uintptr_t>(m.row(m.rows - 1) + m.cols); };
  if (begin(a) >= end(b) || begin(b) >= end(a)) {
    return false;
  }
  if (a.stride != b.stride) {
    return true;
  }
  const Matrix<float>& first = begin(a) <= begin(b) ? a : b;
  const Matrix<float>& second = begin(a) <= begin(b) ? b : a;
  const auto shift = static_cast<int64_t>((begin(second) - begin(first)) / sizeof(float)) % a.stride;
  return shift < first.cols || shift + second.cols > a.stride;
}

}  // namespace msc
