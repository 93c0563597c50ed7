#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moesaic/device.h"

namespace optest {

/// How a tensor lies in its buffer.
struct Layout {
  int64_t row_padding = 0;  // elements between the end of a row and the next
  int64_t shift = 0;        // elements between a 64-byte boundary and the first element
};

/// A tensor in a buffer of its own. Guard bands lie before and after it and between its rows; they hold a NaN with a
/// payload, so that reading one spoils a result and writing one is seen.
class GuardedTensor {
 public:
  GuardedTensor(msc_device* device, std::string name, int64_t rows, int64_t cols, int32_t format, Layout layout);
  ~GuardedTensor();
  GuardedTensor(const GuardedTensor&) = delete;
  GuardedTensor& operator=(const GuardedTensor&) = delete;

  const msc_tensor& view() const { return view_; }
  operator const msc_tensor&() const { return view_; }  // NOLINT: the point of it
  const std::string& name() const { return name_; }
  int64_t rows() const { return view_.rows; }
  int64_t cols() const { return view_.cols; }

  /// Row-major values without padding.
  void set(const std::vector<float>& values) { write(values.data(), values.size()); }
  void set(const std::vector<int32_t>& values) { write(values.data(), values.size()); }
  std::vector<float> floats() const { return read<float>(); }
  std::vector<int32_t> ints() const { return read<int32_t>(); }
  std::vector<float> row_floats(int64_t row) const;

  /// Text about the first damaged guard element, empty when all are whole.
  std::string damaged_guard() const;

  /// All elements as bits, without guards.
  std::vector<uint32_t> bits() const { return read<uint32_t>(); }
  void set_bits(const std::vector<uint32_t>& bits) { write(bits.data(), bits.size()); }

 private:
  void write(const void* values, size_t count);
  template <class T>
  std::vector<T> read() const;
  bool is_guard(int64_t element) const;

  std::string name_;
  msc_tensor view_ = {};
  uint32_t* memory_ = nullptr;  // the whole buffer
  int64_t num_elements_ = 0;    // guards included
  int64_t first_ = 0;           // index of element (0, 0)
};

}  // namespace optest
