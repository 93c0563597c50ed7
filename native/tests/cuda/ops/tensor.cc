#include "tests/cuda/ops/tensor.h"

#include <gtest/gtest.h>

#include "tests/cuda/layer/cuda_target.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {

float rounded(float x, ElementType type) {
  return type == ElementType::kF32 ? x : std::bit_cast<float>(static_cast<uint32_t>(msc::cuda::bf16_bits(x)) << 16);
}

std::vector<float> rounded(std::vector<float> values, ElementType type) {
  for (float& value : values) {
    value = rounded(value, type);
  }
  return values;
}

Tensor::Tensor(const std::string& name, ElementType type, int64_t rows, int64_t cols, int64_t padding, int64_t shift)
    : name_(name),
      type_(type),
      rows_(rows),
      cols_(cols),
      padding_(padding),
      shift_(shift),
      element_(msc::cuda::bytes_of(type)),
      // The last row has no padding: what lies behind it is nobody's.
      bytes_(name, static_cast<size_t>((shift + rows * (cols + padding) - padding) * element_)) {}

Tensor::Tensor(const std::string& name, ElementType type, int64_t rows, int64_t cols, const std::vector<float>& values,
               int64_t padding, int64_t shift)
    : Tensor(name, type, rows, cols, padding, shift) {
  for (int64_t r = 0; r < rows; ++r) {
    uint8_t* row = static_cast<uint8_t*>(data()) + r * stride() * element_;
    for (int64_t c = 0; c < cols; ++c) {
      const float value = values[static_cast<size_t>(r * cols + c)];
      if (type == ElementType::kF32) {
        std::memcpy(row + c * 4, &value, 4);
      } else {
        const uint16_t bits = msc::cuda::bf16_bits(value);
        std::memcpy(row + c * 2, &bits, 2);
      }
    }
    cuda_on_cpu::memory().set_initialised(row, static_cast<size_t>(cols * element_));
  }
}

std::vector<float> Tensor::row(int64_t r) const {
  const uint8_t* row = static_cast<const uint8_t*>(data()) + r * stride() * element_;
  std::vector<float> result;
  for (int64_t c = 0; c < cols_; ++c) {
    uint32_t bits = 0;
    if (type_ == ElementType::kF32) {
      std::memcpy(&bits, row + c * 4, 4);
    } else {
      uint16_t half = 0;
      std::memcpy(&half, row + c * 2, 2);
      bits = static_cast<uint32_t>(half) << 16;
    }
    result.push_back(std::bit_cast<float>(bits));
  }
  return result;
}

std::vector<float> Tensor::values() const {
  std::vector<float> result;
  for (int64_t r = 0; r < rows_; ++r) {
    const std::vector<float> one = row(r);
    result.insert(result.end(), one.begin(), one.end());
  }
  return result;
}

void Tensor::expect_written() const {
  size_t all = 0;
  for (int64_t r = 0; r < rows_; ++r) {
    const uint8_t* row = static_cast<const uint8_t*>(data()) + r * stride() * element_;
    const auto bytes = static_cast<size_t>(cols_ * element_);
    const size_t written = cuda_on_cpu::memory().count_initialised(row, bytes);
    if (cuda_on_cpu::sees_every_write()) {
      ASSERT_EQ(bytes, written) << name_ << ", row " << r;
    }
    all += written;
  }
  EXPECT_EQ(all, cuda_on_cpu::memory().count_initialised(bytes_.data(), bytes_.size())) << name_ << ": padding was written";
}

std::vector<float> run_both_ways(const std::string& kernel, const std::function<std::vector<float>()>& body) {
  const uint64_t before = cuda_on_cpu::finished_threads(kernel);
  const std::vector<float> forward = body();
  cuda_on_cpu::set_turns(cuda_on_cpu::Turns::kBackward);
  const std::vector<float> backward = body();
  cuda_on_cpu::set_turns(cuda_on_cpu::Turns::kForward);
  EXPECT_LT(before, cuda_on_cpu::finished_threads(kernel)) << kernel << " did not run";
  optest::expect_bits_equal(backward, forward, kernel + ": the order of turns");
  return forward;
}

}  // namespace cuda_ops
