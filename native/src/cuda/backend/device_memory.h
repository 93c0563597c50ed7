#pragma once

#include "core/cuda/library_table.h"

namespace msc::cuda {

msc_status allocate_memory(int32_t device, uint64_t bytes, void** address, ErrorText* error);
msc_status free_memory(int32_t device, void* address, ErrorText* error);
msc_status allocate_host(int32_t device, uint64_t bytes, void** address, ErrorText* error);
msc_status free_host(int32_t device, void* address, ErrorText* error);

msc_status copy_to_device(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                          ErrorText* error);
msc_status copy_to_host(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                        ErrorText* error);
msc_status copy_within(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                       ErrorText* error);
msc_status fill(int32_t device, NativeStream* stream, void* target, uint8_t value, uint64_t bytes, ErrorText* error);

}  // namespace msc::cuda
