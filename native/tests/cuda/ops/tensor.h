#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cuda/device/type.h"
#include "tests/cuda/layer/array.h"

namespace cuda_ops {

using msc::cuda::ElementType;
inline constexpr auto kF32 = ElementType::kF32;
inline constexpr auto kBf16 = ElementType::kBf16;

/// The value that an element of the type keeps of x.
float rounded(float x, ElementType type);
std::vector<float> rounded(std::vector<float> values, ElementType type);

/// [rows, cols] of floats in global memory whose padding between rows counts as unwritten, so that reading it is a fault
/// and writing it is seen.
class Tensor {
 public:
  /// Nothing written yet.
  Tensor(const std::string& name, ElementType type, int64_t rows, int64_t cols, int64_t padding = 0, int64_t shift = 0);
  Tensor(const std::string& name, ElementType type, int64_t rows, int64_t cols, const std::vector<float>& values,
         int64_t padding = 0, int64_t shift = 0);

  void* data() const { return bytes_.data() + shift_ * element_; }
  int64_t stride() const { return cols_ + padding_; }
  std::vector<float> values() const;
  std::vector<float> row(int64_t r) const;
  /// Every element is written, and no padding.
  void expect_written() const;

 private:
  std::string name_;
  ElementType type_;
  int64_t rows_;
  int64_t cols_;
  int64_t padding_;
  int64_t shift_;  // elements before the first
  int64_t element_;
  cuda_on_cpu::Array<uint8_t> bytes_;
};

/// Runs `body` with threads taking turns forwards, then backwards: what it returns must be the same bit by bit, and the
/// kernels must have run to their end. @return what it returned.
std::vector<float> run_both_ways(const std::string& kernel, const std::function<std::vector<float>()>& body);

}  // namespace cuda_ops
