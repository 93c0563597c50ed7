#include "cuda/backend/device_memory.h"

#include "cuda/backend/table_call.h"

namespace msc::cuda {
namespace {

msc_status copy(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes, cudaMemcpyKind kind,
                ErrorText* error) {
  return on_device(device, error, [&] { check(cudaMemcpyAsync(target, source, bytes, kind, as_cuda(stream))); });
}

}  // namespace

msc_status allocate_memory(int32_t device, uint64_t bytes, void** address, ErrorText* error) {
  return on_device(device, error, [&] {
    void* allocated = nullptr;
    check(cudaMalloc(&allocated, bytes));
    try {
      // The default stream, for which our streams do not wait.
      check(cudaMemsetAsync(allocated, 0, bytes, nullptr));
      check(cudaStreamSynchronize(nullptr));
    } catch (...) {
      (void)cudaFree(allocated);
      throw;
    }
    *address = allocated;
  });
}

msc_status free_memory(int32_t device, void* address, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaFree(address)); });
}

msc_status allocate_host(int32_t device, uint64_t bytes, void** address, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaHostAlloc(address, bytes, cudaHostAllocPortable)); });
}

msc_status free_host(int32_t device, void* address, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaFreeHost(address)); });
}

msc_status copy_to_device(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                          ErrorText* error) {
  return copy(device, stream, target, source, bytes, cudaMemcpyHostToDevice, error);
}

msc_status copy_to_host(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                        ErrorText* error) {
  return copy(device, stream, target, source, bytes, cudaMemcpyDeviceToHost, error);
}

msc_status copy_within(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                       ErrorText* error) {
  return copy(device, stream, target, source, bytes, cudaMemcpyDeviceToDevice, error);
}

msc_status fill(int32_t device, NativeStream* stream, void* target, uint8_t value, uint64_t bytes, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaMemsetAsync(target, value, bytes, as_cuda(stream))); });
}

}  // namespace msc::cuda
