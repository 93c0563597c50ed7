/* Devices, streams, events, buffers and mapped files.
 *
 * A device owns its worker threads (CPU) or its context (GPU). Streams run their work in order. Ops are
 * enqueued on a stream; results are valid after msc_stream_synchronize or a completed event. A CPU stream
 * may have finished an op when the call returns, and a caller must not depend on it.
 * Objects are not thread-safe unless said; different objects may be used from different threads. */
#ifndef MOESAIC_DEVICE_H
#define MOESAIC_DEVICE_H

#include "moesaic/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msc_device msc_device;
typedef struct msc_stream msc_stream;
typedef struct msc_event msc_event;
typedef struct msc_buffer msc_buffer;
typedef struct msc_mapped_file msc_mapped_file;

typedef enum msc_backend { MSC_BACKEND_CPU = 1, MSC_BACKEND_CUDA = 2 } msc_backend;

/** CPU instruction-set levels, lowest first. AVX512 means F, BW, VL and DQ. */
typedef enum msc_isa { MSC_ISA_AUTO = 0, MSC_ISA_PORTABLE = 1, MSC_ISA_AVX2 = 2, MSC_ISA_AVX512 = 3 } msc_isa;

/** CPU features detected one by one; bits of msc_cpu_info.features. */
typedef enum msc_cpu_feature {
  MSC_CPU_FEATURE_AVX2 = 1,
  MSC_CPU_FEATURE_FMA = 2,
  MSC_CPU_FEATURE_F16C = 4,
  MSC_CPU_FEATURE_AVX512 = 8,
  MSC_CPU_FEATURE_AVX_VNNI = 16,
  MSC_CPU_FEATURE_AVX512_VNNI = 32,
  MSC_CPU_FEATURE_AVX512_BF16 = 64
} msc_cpu_feature;

typedef struct msc_cpu_info {
  uint32_t struct_size;
  /** Bits of msc_cpu_feature that this processor and operating system support. */
  uint32_t features;
  /** Highest msc_isa usable here. */
  int32_t best_isa;
  /** Processors this process may use: affinity mask and cgroup quota honoured, at least 1. */
  uint32_t usable_processors;
  uint64_t l1d_bytes;
  uint64_t l2_bytes;
  /** Last-level cache visible to one core. */
  uint64_t l3_bytes;
  uint64_t memory_bytes;
  char name[64];
} msc_cpu_info;

typedef struct msc_device_options {
  uint32_t struct_size;
  int32_t backend;
  /** Index among the devices of this backend; 0 for the CPU. */
  int32_t ordinal;
  /** Highest msc_isa to use; MSC_ISA_AUTO takes the best. A level the machine lacks is refused. */
  int32_t isa;
  /** Bits of msc_cpu_feature to leave unused (VNNI or BF16 variants within a level). */
  uint32_t disabled_features;
  /** Worker threads including the calling one; 0 takes usable_processors. */
  uint32_t num_threads;
  /** Microseconds that a waiting worker spins before it parks; UINT32_MAX takes the default. */
  uint32_t spin_microseconds;
  /** 1: pin workers to processors that no other device of this process has pinned. */
  uint32_t pin_threads;
} msc_device_options;

typedef struct msc_device_info {
  uint32_t struct_size;
  int32_t backend;
  int32_t isa;
  /** Bits of msc_cpu_feature in use. */
  uint32_t features;
  uint32_t num_threads;
  /** Workers that got a processor of their own. */
  uint32_t num_pinned_threads;
  /** Rows that packed weights interleave (8 for AVX2, 16 for AVX-512). */
  uint32_t row_group;
  uint32_t reserved;
} msc_device_info;

/** What of CUDA is on this machine. Versions are 1000 * major + 10 * minor. */
typedef struct msc_cuda_info {
  uint32_t struct_size;
  /** CUDA version that the driver runs; 0 without a driver. */
  uint32_t driver_version;
  /** Toolkit that libmoesaic_cuda was built with; 0 when it was not loaded. */
  uint32_t toolkit_version;
  /** 1 when there is a file at library_path. */
  uint32_t library_found;
  /** Devices that the driver finds; msc_cuda_device_query says which of them can be used. */
  uint32_t num_devices;
  uint32_t reserved;
  /** What is missing and what to do, UTF-8, cut to fit; empty when there are devices. */
  char problem[1024];
  /** Where libmoesaic_cuda is or should be, UTF-8, cut to fit. */
  char library_path[1024];
} msc_cuda_info;

typedef struct msc_cuda_device_info {
  uint32_t struct_size;
  /** Compute capability. */
  int32_t compute_major;
  int32_t compute_minor;
  int32_t num_multiprocessors;
  uint64_t memory_bytes;
  char name[256];
  /** Why a device of MSC_BACKEND_CUDA cannot be created of it, UTF-8, cut to fit; empty when it can. */
  char problem[1024];
} msc_cuda_device_info;

/** A 2-D view of device memory: element (r, c) lies at offset_bytes + (r * row_stride + c) * element size.
 * An absent optional tensor has buffer == NULL. */
typedef struct msc_tensor {
  msc_buffer* buffer;
  uint64_t offset_bytes;
  int64_t rows;
  int64_t cols;
  /** Elements from one row to the next; at least cols. */
  int64_t row_stride;
  int32_t format;
  int32_t reserved;
} msc_tensor;

typedef enum msc_file_advice {
  MSC_FILE_ADVICE_WILL_NEED = 1,
  /** Drops the pages from this process's resident memory; they are read again from the file when touched. */
  MSC_FILE_ADVICE_DONT_NEED = 2
} msc_file_advice;

/** Detects the CPU; needs no device. */
MSC_API msc_status msc_cpu_query(msc_cpu_info* info);

/** Looks for driver, library and devices; what is absent is no error. Creates no context. Thread-safe. */
MSC_API msc_status msc_cuda_query(msc_cuda_info* info);
/** @param ordinal below msc_cuda_info.num_devices. Thread-safe. */
MSC_API msc_status msc_cuda_device_query(int32_t ordinal, msc_cuda_device_info* info);

/** MSC_BACKEND_CUDA loads libmoesaic_cuda, which lies beside this library, and says what is missing. Its devices run no
 * ops yet: such a call is refused with MSC_STATUS_BAD_ARGUMENT. */
MSC_API msc_status msc_device_create(const msc_device_options* options, msc_device** device);
/** Refused with MSC_STATUS_BAD_ARGUMENT while streams, buffers, weights or caches of it still exist. */
MSC_API msc_status msc_device_destroy(msc_device* device);
MSC_API msc_status msc_device_query(const msc_device* device, msc_device_info* info);

MSC_API msc_status msc_stream_create(msc_device* device, msc_stream** stream);
MSC_API msc_status msc_stream_destroy(msc_stream* stream);
/** Waits until all work enqueued so far is done; returns the first error of that work. */
MSC_API msc_status msc_stream_synchronize(msc_stream* stream);

MSC_API msc_status msc_event_create(msc_device* device, msc_event** event);
MSC_API msc_status msc_event_destroy(msc_event* event);
/** Marks the point that the stream has been filled to. */
MSC_API msc_status msc_event_record(msc_event* event, msc_stream* stream);
/** Sets *done to 1 when all work before the recorded point is done, else 0; never waits. */
MSC_API msc_status msc_event_query(msc_event* event, int32_t* done);

/** Allocates size_bytes of zeroed device memory, aligned to 64 bytes. */
MSC_API msc_status msc_buffer_create(msc_device* device, uint64_t size_bytes, msc_buffer** buffer);
MSC_API msc_status msc_buffer_destroy(msc_buffer* buffer);
/** Address of a buffer that the host can read and write directly (CPU devices); refused for others. */
MSC_API msc_status msc_buffer_host_pointer(msc_buffer* buffer, void** host_pointer);
MSC_API msc_status msc_buffer_upload(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, const void* host,
                                     uint64_t size_bytes);
MSC_API msc_status msc_buffer_download(msc_stream* stream, msc_buffer* buffer, uint64_t offset_bytes, void* host,
                                       uint64_t size_bytes);

/** Maps a whole file read-only. @param path UTF-8. */
MSC_API msc_status msc_mapped_file_open(const char* path, msc_mapped_file** file);
MSC_API msc_status msc_mapped_file_close(msc_mapped_file* file);
MSC_API msc_status msc_mapped_file_view(const msc_mapped_file* file, const void** address, uint64_t* size_bytes);
/** Advice over [offset, offset + size); widened or narrowed to whole pages so that no neighbour is dropped.
 * Thread-safe. */
MSC_API msc_status msc_mapped_file_advise(msc_mapped_file* file, uint64_t offset_bytes, uint64_t size_bytes,
                                          int32_t advice);

#ifdef __cplusplus
}
#endif
#endif
