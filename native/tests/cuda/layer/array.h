#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/cuda/layer/grid.h"

namespace cuda_on_cpu {

/// Global memory of exactly `count` elements that kernels may touch while the array lives.
template <class T>
class Array {
 public:
  /// Nothing written yet.
  Array(std::string name, size_t count) : data_(allocate(count)), count_(count) {
    memory().add_global(data(), count * sizeof(T), false, std::move(name));
  }
  Array(std::string name, const std::vector<T>& values) : data_(allocate(values.size())), count_(values.size()) {
    std::memcpy(data(), values.data(), count_ * sizeof(T));
    memory().add_global(data(), count_ * sizeof(T), true, std::move(name));
  }
  ~Array() { memory().remove_global(data()); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() const { return reinterpret_cast<T*>(data_.get()); }
  size_t size() const { return count_; }
  std::vector<T> values() const { return std::vector<T>(data(), data() + count_); }
  void set_written() { memory().set_initialised(data(), count_ * sizeof(T)); }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t(256)); }
  };
  // As cudaMalloc aligns; filled, so that what a kernel leaves alone is the same in every run.
  static std::unique_ptr<std::byte, Free> allocate(size_t count) {
    auto* bytes = static_cast<std::byte*>(::operator new[](count * sizeof(T) + 256, std::align_val_t(256)));
    std::memset(bytes, 0xA5, count * sizeof(T) + 256);
    return std::unique_ptr<std::byte, Free>(bytes);
  }
  std::unique_ptr<std::byte, Free> data_;
  size_t count_;
};

}  // namespace cuda_on_cpu
