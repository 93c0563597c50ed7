#pragma once

#include "core/cuda/library_table.h"

namespace msc::cuda {

msc_status create_stream(int32_t device, NativeStream** stream, ErrorText* error);
msc_status destroy_stream(int32_t device, NativeStream* stream, ErrorText* error);
msc_status synchronize_stream(int32_t device, NativeStream* stream, ErrorText* error);
msc_status wait_in_stream(int32_t device, NativeStream* stream, NativeEvent* event, ErrorText* error);

msc_status create_event(int32_t device, NativeEvent** event, ErrorText* error);
msc_status destroy_event(int32_t device, NativeEvent* event, ErrorText* error);
msc_status record_event(int32_t device, NativeEvent* event, NativeStream* stream, ErrorText* error);
msc_status query_event(int32_t device, NativeEvent* event, int32_t* done, ErrorText* error);

}  // namespace msc::cuda
