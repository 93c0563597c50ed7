#pragma once

#include <cstdint>

namespace msc::cuda {

/// Elements of activations.
enum class ElementType : int32_t { kF32, kBf16 };

inline int64_t bytes_of(ElementType type) { return type == ElementType::kF32 ? 4 : 2; }

/// Whether rows of `stride` elements from `address` can be moved 16 bytes at a time.
inline bool is_packable(const void* address, int64_t stride, int64_t element_bytes) {
  return reinterpret_cast<uintptr_t>(address) % 16 == 0 && stride * element_bytes % 16 == 0;
}

}  // namespace msc::cuda
