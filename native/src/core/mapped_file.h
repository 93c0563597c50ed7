#pragma once

#include <cstddef>
#include <cstdint>

#include "moesaic/device.h"

/// A whole file, mapped read-only. The file must not shrink while it is mapped: the system then ends the process that
/// reads the missing part.
struct msc_mapped_file {
  explicit msc_mapped_file(const char* path);
  ~msc_mapped_file();
  msc_mapped_file(const msc_mapped_file&) = delete;
  msc_mapped_file& operator=(const msc_mapped_file&) = delete;

  /// `advice`: msc_file_advice, checked here, as are the bounds.
  void advise(uint64_t offset, uint64_t size, int32_t advice) const;

  const std::byte* data = nullptr;  // NULL for an empty file
  uint64_t size_bytes = 0;

 private:
  [[maybe_unused]] void* mapping_ = nullptr;  // Windows: handle of the section
};
