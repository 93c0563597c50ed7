#include "tests/ops/harness/guarded_tensor.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/ops/harness/compare.h"

namespace optest {
namespace {

constexpr int64_t kGuardElements = 64;
constexpr uint32_t kGuard = 0xffc5a5a5u;    // a quiet NaN; negative as an integer
constexpr uint32_t kUnwritten = 0xffd3d3d3u;  // what outputs hold before an op: another such NaN

void check(msc_status status) {
  if (status != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
}

}  // namespace

GuardedTensor::GuardedTensor(msc_device* device, std::string name, int64_t rows, int64_t cols, int32_t format,
                             Layout layout)
    : name_(std::move(name)) {
  const int64_t stride = cols + layout.row_padding;
  first_ = kGuardElements + layout.shift;
  num_elements_ = first_ + std::max<int64_t>(rows, 1) * stride + kGuardElements;
  view_.offset_bytes = static_cast<uint64_t>(first_) * sizeof(uint32_t);
  view_.rows = rows;
  view_.cols = cols;
  view_.row_stride = stride;
  view_.format = format;
  check(msc_buffer_create(device, static_cast<uint64_t>(num_elements_) * sizeof(uint32_t), &view_.buffer));
  void* memory = nullptr;
  check(msc_buffer_host_pointer(view_.buffer, &memory));
  memory_ = static_cast<uint32_t*>(memory);
  for (int64_t i = 0; i < num_elements_; ++i) {
    memory_[i] = is_guard(i) ? kGuard : kUnwritten;
  }
}

GuardedTensor::~GuardedTensor() { msc_buffer_destroy(view_.buffer); }

bool GuardedTensor::is_guard(int64_t element) const {
  const int64_t index = element - first_;
  return index < 0 || index >= view_.rows * view_.row_stride || index % view_.row_stride >= view_.cols;
}

std::string GuardedTensor::damaged_guard() const {
  for (int64_t i = 0; i < num_elements_; ++i) {
    if (is_guard(i) && memory_[i] != kGuard) {
      const int64_t index = i - first_;
      return "'" + name_ + "' [" + std::to_string(rows()) + ", " + std::to_string(cols()) +
             "]: something was written outside it, at element offset " + std::to_string(index) + " (row stride " +
             std::to_string(view_.row_stride) + ")";
    }
  }
  return "";
}

void GuardedTensor::write(const void* values, size_t count) {
  if (count != static_cast<size_t>(rows() * cols())) {
    throw std::logic_error("'" + name_ + "' holds " + std::to_string(rows() * cols()) + " elements, not " +
                           std::to_string(count));
  }
  const auto* source = static_cast<const std::byte*>(values);
  const size_t row_bytes = static_cast<size_t>(cols()) * sizeof(uint32_t);
  for (int64_t r = 0; r < rows(); ++r) {
    std::memcpy(memory_ + first_ + r * view_.row_stride, source + static_cast<size_t>(r) * row_bytes, row_bytes);
  }
}

template <class T>
std::vector<T> GuardedTensor::read() const {
  std::vector<T> values(static_cast<size_t>(rows() * cols()));
  for (int64_t r = 0; r < rows(); ++r) {
    std::memcpy(values.data() + r * cols(), memory_ + first_ + r * view_.row_stride,
                static_cast<size_t>(cols()) * sizeof(T));
  }
  return values;
}

template std::vector<float> GuardedTensor::read<float>() const;
template std::vector<int32_t> GuardedTensor::read<int32_t>() const;
template std::vector<uint32_t> GuardedTensor::read<uint32_t>() const;

std::vector<float> GuardedTensor::row_floats(int64_t row) const {
  std::vector<float> values(static_cast<size_t>(cols()));
  std::memcpy(values.data(), memory_ + first_ + row * view_.row_stride, values.size() * sizeof(float));
  return values;
}

}  // namespace optest
