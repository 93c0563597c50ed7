#pragma once

#include "core/batch.h"
#include "core/device.h"
#include "core/memory.h"
#include "cpu/kv/layout.h"

/// Zeroed pages in one block of host memory; untouched pages cost no physical memory.
struct msc_kv_cache {
  msc_kv_cache(msc_device* owner, const msc::cpu::KvLayout& page_layout);
  ~msc_kv_cache();
  msc_kv_cache(const msc_kv_cache&) = delete;
  msc_kv_cache& operator=(const msc_kv_cache&) = delete;

  msc_device* device;
  msc::cpu::KvLayout layout;
  msc::HostMemory memory;
};

namespace msc::cpu {

/// Positions of a sequence that an op touches.
enum class KvUse {
  kAppend,         // those of the batch's own tokens
  kCausal,         // from the first that the first query's window shows to the last query's
  kBidirectional,  // those below the batch's key length
};

/// Refuses a batch or page table that does not fit the cache: every entry that holds a position in use is checked.
void check_page_tables(const msc_batch& batch, const msc_kv_cache& cache, KvUse use, int64_t window);
void check_layer(const msc_kv_cache& cache, int64_t layer);

/// Copies whole pages; all numbers are checked before anything is written.
void copy_pages(msc_kv_cache& cache, const int32_t* source, const int32_t* target, int64_t count);

}  // namespace msc::cpu
