#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/error.h"

namespace msc {

/// A checked view of host memory: element (r, c) is data[r * stride + c].
template <class T>
struct Matrix {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  explicit operator bool() const noexcept { return data != nullptr; }
  T* row(int64_t r) const noexcept { return data + r * stride; }
};

template <class T>
inline constexpr int32_t kFormatOf = -1;
template <>
inline constexpr int32_t kFormatOf<float> = MSC_FORMAT_F32;
template <>
inline constexpr int32_t kFormatOf<int32_t> = MSC_FORMAT_I32;

/// Checks presence, format, bounds (without overflow), alignment and that the buffer belongs to `device`; returns its
/// first element. `name` is the tensor's name in error texts.
std::byte* checked_data(const msc_tensor& tensor, const msc_device* device, int32_t format, uint64_t element_bytes,
                        const char* name);

/// A required tensor as a matrix of T.
template <class T>
Matrix<T> matrix(const msc_tensor& tensor, const msc_device* device, const char* name) {
  auto* data = checked_data(tensor, device, kFormatOf<T>, sizeof(T), name);
  return {reinterpret_cast<T*>(data), tensor.rows, tensor.cols, tensor.row_stride};
}

/// An optional tensor: an empty matrix when absent.
template <class T>
Matrix<T> optional_matrix(const msc_tensor& tensor, const msc_device* device, const char* name) {
  return tensor.buffer == nullptr ? Matrix<T>{} : matrix<T>(tensor, device, name);
}

}  // namespace msc
