// The functions that GCC and Clang call round memory accesses of sources compiled with -fsanitize=thread, of which kernels
// are the only ones here: each access of a kernel goes through the layer before it happens. ThreadSanitizer's own library
// is not linked.
#include <cstddef>
#include <cstdint>

#include "tests/cuda/layer/grid.h"

using cuda_on_cpu::Access;
using cuda_on_cpu::on_access;
using cuda_on_cpu::on_aligned_access;

#define MSC_HOOKS(bytes)                                                                                         \
  void __tsan_read##bytes(void* address) { on_aligned_access(address, bytes, Access::kRead); }                       \
  void __tsan_write##bytes(void* address) { on_aligned_access(address, bytes, Access::kWrite); }                     \
  void __tsan_unaligned_read##bytes(void* address) { on_access(address, bytes, Access::kRead); }             \
  void __tsan_unaligned_write##bytes(void* address) { on_access(address, bytes, Access::kWrite); }           \
  void __tsan_volatile_read##bytes(void* address) { on_aligned_access(address, bytes, Access::kRead); }              \
  void __tsan_volatile_write##bytes(void* address) { on_aligned_access(address, bytes, Access::kWrite); }            \
  void __tsan_read_write##bytes(void* address) {                                                                  \
    on_aligned_access(address, bytes, Access::kRead);                                                                \
    on_aligned_access(address, bytes, Access::kWrite);                                                               \
  }

extern "C" {
MSC_HOOKS(1)
MSC_HOOKS(2)
MSC_HOOKS(4)
MSC_HOOKS(8)
MSC_HOOKS(16)
void __tsan_read_range(void* address, size_t bytes) { on_access(address, bytes, Access::kRead); }
void __tsan_write_range(void* address, size_t bytes) { on_access(address, bytes, Access::kWrite); }
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
void* __tsan_memcpy(void* target, const void* source, size_t bytes) {
  on_access(source, bytes, Access::kRead);
  on_access(target, bytes, Access::kWrite);
  return __builtin_memcpy(target, source, bytes);
}
void* __tsan_memset(void* target, int value, size_t bytes) {
  on_access(target, bytes, Access::kWrite);
  return __builtin_memset(target, value, bytes);
}
}
