#pragma once

#include "core/cuda/library_table.h"

// Functions of the table, by what they are about; library_table.h says what each does.
namespace msc::cuda {

msc_status count_devices(int32_t* count, ErrorText* error);
msc_status read_properties(int32_t device, DeviceProperties* properties, ErrorText* error);
msc_status open_device(int32_t device, ErrorText* error);
msc_status read_free_bytes(int32_t device, uint64_t* bytes, ErrorText* error);

}  // namespace msc::cuda
