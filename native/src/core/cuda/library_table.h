#pragma once

#include <cstdint>

#include "moesaic/base.h"

/// The seam between libmoesaic.so and libmoesaic_cuda.so (src/decisions/cuda-library.md): plain structures and functions,
/// since each side carries its own C++ runtime. Whoever changes anything below raises kLibraryVersion.
namespace msc::cuda {

inline constexpr uint32_t kLibraryVersion = 1;
/// The one function that the library exports.
inline constexpr const char* kLibraryEntry = "msc_cuda_library";

/// Where a failing function says why, NUL-terminated; untouched when all is well.
struct ErrorText {
  char text[512];
};

struct DeviceProperties {
  char name[256];  // NUL-terminated
  int32_t compute_major;
  int32_t compute_minor;
  int32_t num_multiprocessors;
  int32_t reserved;
  uint64_t memory_bytes;
};

struct NativeStream;
struct NativeEvent;

/// Versions are CUDA's: 1000 * major + 10 * minor. Every function names its device by ordinal, sets nothing that the
/// caller of the library sees (its thread's current device apart), and may be called from any thread. Streams do not wait
/// for the legacy default stream.
struct LibraryTable {
  uint32_t version;     // kLibraryVersion
  uint32_t size_bytes;  // of this structure
  uint32_t toolkit_version;
  uint32_t reserved;

  /// 0 where the driver finds no device.
  msc_status (*device_count)(int32_t* count, ErrorText* error);
  msc_status (*device_properties)(int32_t device, DeviceProperties* properties, ErrorText* error);
  /// Makes the device's context, once for all openings of a process.
  msc_status (*device_open)(int32_t device, ErrorText* error);
  /// Bytes that could be allocated now; the device must be open.
  msc_status (*device_free_bytes)(int32_t device, uint64_t* bytes, ErrorText* error);

  msc_status (*stream_create)(int32_t device, NativeStream** stream, ErrorText* error);
  msc_status (*stream_destroy)(int32_t device, NativeStream* stream, ErrorText* error);
  msc_status (*stream_synchronize)(int32_t device, NativeStream* stream, ErrorText* error);
  /// Lets what is enqueued from now on wait for the event; the host does not wait.
  msc_status (*stream_wait)(int32_t device, NativeStream* stream, NativeEvent* event, ErrorText* error);

  msc_status (*event_create)(int32_t device, NativeEvent** event, ErrorText* error);
  msc_status (*event_destroy)(int32_t device, NativeEvent* event, ErrorText* error);
  msc_status (*event_record)(int32_t device, NativeEvent* event, NativeStream* stream, ErrorText* error);
  /// *done is 1 or 0; never waits.
  msc_status (*event_query)(int32_t device, NativeEvent* event, int32_t* done, ErrorText* error);

  /// Zeroed, aligned to 256 bytes, valid for every stream when the call returns.
  msc_status (*memory_allocate)(int32_t device, uint64_t bytes, void** address, ErrorText* error);
  msc_status (*memory_free)(int32_t device, void* address, ErrorText* error);
  /// Page-locked host memory, which copies need to overlap with other work.
  msc_status (*host_allocate)(int32_t device, uint64_t bytes, void** address, ErrorText* error);
  msc_status (*host_free)(int32_t device, void* address, ErrorText* error);

  /// The copies below are enqueued. From pageable memory the source may be reused when the call returns, into pageable
  /// memory the call returns when all is there; page-locked memory must stay until the copy is done.
  msc_status (*copy_to_device)(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                               ErrorText* error);
  msc_status (*copy_to_host)(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                             ErrorText* error);
  msc_status (*copy_within)(int32_t device, NativeStream* stream, void* target, const void* source, uint64_t bytes,
                            ErrorText* error);
  msc_status (*fill)(int32_t device, NativeStream* stream, void* target, uint8_t value, uint64_t bytes, ErrorText* error);
};

using LibraryEntry = const LibraryTable* (*)();

}  // namespace msc::cuda
