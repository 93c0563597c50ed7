#include "core/scratch.h"

#include <cstdint>

#include "core/memory.h"

namespace msc {

Scratch::~Scratch() { free_zeroed(data_, bytes_); }

std::byte* Scratch::take(size_t bytes) {
  if (bytes > bytes_) {
    // A half more than asked, so that slowly growing batches settle; the old content may go, so it goes first.
    const size_t grown = bytes > SIZE_MAX / 2 ? bytes : bytes + bytes / 2;
    free_zeroed(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
    data_ = allocate_zeroed(grown);
    bytes_ = grown;
  }
  return data_;
}

}  // namespace msc
