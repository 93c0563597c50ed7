// Memory of the arrays that tests hand to kernels; native/tests/cuda/device has the same for a device.
#include <cstring>
#include <new>
#include <utility>

#include "tests/cuda/layer/grid.h"

namespace cuda_on_cpu {

void* allocate_global(size_t bytes, std::string name) {
  // More than asked for, so that an empty array has an address of its own.
  void* address = ::operator new[](bytes + 256, std::align_val_t(256));
  std::memset(address, kFill, bytes + 256);
  memory().add_global(address, bytes, false, std::move(name));
  return address;
}

void free_global(void* address) noexcept {
  memory().remove_global(address);
  ::operator delete[](address, std::align_val_t(256));
}

// Launches of the layer are over when they return.
void wait_for_kernels() {}

bool sees_every_write() { return true; }

}  // namespace cuda_on_cpu
