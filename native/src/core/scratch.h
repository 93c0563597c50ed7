#pragma once

#include <cstddef>

namespace msc {

/// Memory that grows when needed and is kept, so that steady state allocates nothing.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// At least `bytes`, 64-byte aligned, uninitialised; valid until the next call that asks for more.
  std::byte* take(size_t bytes);
  bool holds(size_t bytes) const { return bytes <= bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace msc
