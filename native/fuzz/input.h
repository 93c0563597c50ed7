#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace msc::fuzz {

/// Reads values off the fuzzer's bytes; zeros follow the last one, so every input is a whole program.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  size_t left() const { return left_; }

  template <class T>
  T value() {
    static_assert(std::is_trivially_copyable_v<T>);
    T result = {};
    fill(&result, sizeof(T));
    return result;
  }

  /// A number in [0, count).
  uint32_t below(uint32_t count) { return value<uint16_t>() % count; }
  /// True about once in `count` times: for rules that are worth breaking, but not in every input.
  bool rarely(uint32_t count) { return value<uint8_t>() % count == count - 1; }

  /// A sensible value mostly, now and then any at all.
  template <class T>
  T mostly(T sensible) {
    return rarely(16) ? value<T>() : sensible;
  }

  /// `count` values in memory of exactly that size, so that AddressSanitizer sees the first byte behind them.
  template <class T>
  std::vector<T> array(size_t count) {
    std::vector<T> result(count);
    if (count != 0) {
      fill(result.data(), count * sizeof(T));
    }
    result.shrink_to_fit();
    return result;
  }

 private:
  void fill(void* target, size_t bytes) {
    const size_t copied = std::min(bytes, left_);
    if (copied != 0) {
      std::memcpy(target, data_, copied);
    }
    data_ += copied;
    left_ -= copied;
  }

  const uint8_t* data_;
  size_t left_;
};

/// Numbers at which size arithmetic tends to break.
inline int64_t extreme(Input& input) {
  static constexpr int64_t kValues[] = {
      0, 1, -1, 2, 7, 8, 31, 32, 33, 255, 256, 257, INT32_MAX, int64_t{INT32_MAX} + 1, UINT32_MAX, int64_t{1} << 32,
      int64_t{1} << 47, int64_t{1} << 56, INT64_MAX / 4, INT64_MAX / 2, INT64_MAX - 63, INT64_MAX - 1, INT64_MAX,
      INT64_MIN, INT64_MIN + 1, INT32_MIN};
  const int64_t base = kValues[input.below(std::size(kValues))];
  return static_cast<int64_t>(static_cast<uint64_t>(base) + input.value<int8_t>());
}

}  // namespace msc::fuzz
