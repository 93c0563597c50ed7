#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "core/cuda/library_table.h"

namespace msc::cuda {

/// Whether a device's context has become useless, and the first reason. A context is the process's, so all openings of
/// one device share this. Thread-safe.
class LostDevice {
 public:
  /// The one of a device of a loaded library.
  static std::shared_ptr<LostDevice> of(const LibraryTable* table, int32_t ordinal);

  /// Throws Error (device lost) with the first reason when the device is lost.
  void check() const;
  /// Keeps the first reason; later ones follow from it.
  void set(std::string reason);

 private:
  mutable std::mutex mutex_;
  std::string reason_;  // empty: not lost
};

}  // namespace msc::cuda
