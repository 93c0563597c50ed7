#include "core/cuda/installation.h"

#include <filesystem>
#include <mutex>
#include <system_error>

#include "core/cuda/shared_object.h"

namespace msc::cuda {
namespace {

constexpr const char* kLibraryName = "libmoesaic_cuda.so";
constexpr const char* kHowToBuild = "build it with: cmake --preset cuda && cmake --build --preset cuda";

std::string default_library() {
  const std::string folder = folder_of_this_library();
  return folder.empty() ? kLibraryName : folder + "/" + kLibraryName;
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

/// cuDriverGetVersion needs no context and no device.
std::string check_driver(const std::string& name, uint32_t* version) {
  std::string reason;
  const SharedObject driver = SharedObject::open(name, &reason);
  if (!driver) {
    if (reason.find("No such file") != std::string::npos) {
      return "no NVIDIA driver: " + name + " was not found; install the driver, or use the CPU";
    }
    return "the NVIDIA driver cannot be loaded: " + reason;
  }
  const auto get_version = driver.find<int (*)(int*)>("cuDriverGetVersion");
  if (get_version == nullptr) {
    return name + " is no NVIDIA driver: it has no function cuDriverGetVersion";
  }
  int found = 0;
  const int result = get_version(&found);
  if (result != 0 || found <= 0) {
    return name + " does not tell its version (error " + std::to_string(result) +
           "): it may be a toolkit's stub, which is for linking only; install the driver";
  }
  *version = static_cast<uint32_t>(found);
  return {};
}

std::string load_library(Installation& result) {
  if (!result.library_found) {
    return std::string(kLibraryName) + " is not where it belongs, " + result.library_path + ": " + kHowToBuild;
  }
  std::string reason;
  const SharedObject library = SharedObject::open(result.library_path, &reason);
  if (!library) {
    return result.library_path + " cannot be loaded: " + reason;
  }
  const auto entry = library.find<LibraryEntry>(kLibraryEntry);
  if (entry == nullptr) {
    return result.library_path + " is another library: it has no function " + kLibraryEntry + "; " + kHowToBuild;
  }
  const LibraryTable* table = entry();
  if (table == nullptr || table->version != kLibraryVersion || table->size_bytes != sizeof(LibraryTable)) {
    return result.library_path + " is of another build: its table has version " +
           std::to_string(table == nullptr ? 0 : table->version) + " and " +
           std::to_string(table == nullptr ? 0 : table->size_bytes) + " bytes, this library expects version " +
           std::to_string(kLibraryVersion) + " and " + std::to_string(sizeof(LibraryTable)) + "; build both from one source";
  }
  if (!driver_runs(result.driver_version, table->toolkit_version, false)) {
    return "the NVIDIA driver is too old: it runs CUDA " + version_text(result.driver_version) + ", " + kLibraryName +
           " was built with CUDA " + version_text(table->toolkit_version) + " and needs at least " +
           version_text(table->toolkit_version / 1000 * 1000) + ": install a newer driver";
  }
  result.table = table;
  return {};
}

}  // namespace

std::string version_text(uint32_t version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

bool driver_runs(uint32_t driver_version, uint32_t toolkit_version, bool compiles_ptx) {
  return driver_version >= (compiles_ptx ? toolkit_version : toolkit_version / 1000 * 1000);
}

Installation find_installation(const InstallationPaths& paths) {
  Installation result;
  result.library_path = paths.library.empty() ? default_library() : paths.library;
  result.library_found = is_file(result.library_path);
  result.problem = check_driver(paths.driver, &result.driver_version);
  if (result.problem.empty()) {
    result.problem = load_library(result);
  }
  return result;
}

Installation installation() {
  static std::mutex mutex;
  static Installation kept;
  const std::lock_guard lock(mutex);
  if (kept.table == nullptr) {
    kept = find_installation({});
  }
  return kept;
}

}  // namespace msc::cuda
