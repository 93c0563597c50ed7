#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda/layer/grid.h"

namespace cuda_on_cpu {

/// Global memory of exactly `count` elements that kernels may touch while the array lives. The host reads and writes it
/// between launches.
template <class T>
class Array {
 public:
  /// Nothing written yet.
  Array(std::string name, size_t count)
      : data_(static_cast<T*>(allocate_global(count * sizeof(T), std::move(name)))), count_(count) {}
  Array(std::string name, const std::vector<T>& values) : Array(std::move(name), values.size()) {
    std::memcpy(data_, values.data(), count_ * sizeof(T));
    memory().set_initialised(data_, count_ * sizeof(T));
  }
  ~Array() { free_global(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  /// Waits for launched kernels first, since the host may follow it.
  T* data() const {
    wait_for_kernels();
    return data_;
  }
  size_t size() const { return count_; }
  std::vector<T> values() const {
    const T* begin = data();
    return std::vector<T>(begin, begin + count_);
  }
  void set_written() { memory().set_initialised(data(), count_ * sizeof(T)); }

 private:
  T* data_;
  size_t count_;
};

}  // namespace cuda_on_cpu
