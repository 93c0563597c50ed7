#pragma once

#include <cstdint>
#include <string>

#include "core/cuda/library_table.h"

namespace msc::cuda {

/// Where to look; the defaults are what ships.
struct InstallationPaths {
  std::string driver = "libcuda.so.1";  // searched for as the system does
  std::string library;                  // empty: libmoesaic_cuda.so beside the file that this code is in
};

/// What of CUDA is on this machine, as far as the search came. Versions are 1000 * major + 10 * minor.
struct Installation {
  uint32_t driver_version = 0;    // 0: no driver that tells
  std::string library_path;       // where the library is or should be
  bool library_found = false;     // a file is there
  const LibraryTable* table = nullptr;  // of the loaded library, once versions fit
  std::string problem;            // what is missing and what to do; empty when `table` can be used
};

/// Looks for the driver, then loads the library and compares versions; the first thing that is missing ends it.
Installation find_installation(const InstallationPaths& paths);

/// The process's own, at the default paths. What works is kept; what did not is looked for again. Thread-safe.
Installation installation();

/// "12.4" of 12040.
std::string version_text(uint32_t version);

/// Whether a driver runs code of a toolkit: its own major version for machine code (minor-version compatibility), its
/// whole version where PTX has to be compiled (CUDA Compatibility guide).
bool driver_runs(uint32_t driver_version, uint32_t toolkit_version, bool compiles_ptx);

}  // namespace msc::cuda
