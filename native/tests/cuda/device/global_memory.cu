// Arrays of tests in page-locked host memory between guard bands, which the device reaches at the same address (unified
// addressing): tests read and write their arrays by pointer, and managed memory is not to be had in every container.
// MOESAIC_GUARD_BANDS=0 leaves the bands out, so that compute-sanitizer knows where an array ends.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "core/error.h"
#include "cuda/device/error_class.h"
#include "tests/cuda/device/kernel_log.h"
#include "tests/cuda/layer/grid.h"

namespace {

constexpr size_t kGuardBytes = 256;  // keeps the alignment of what lies between
constexpr unsigned char kGuard = 0x5A;

size_t guard_bytes() {
  static const char* setting = std::getenv("MOESAIC_GUARD_BANDS");
  return setting != nullptr && std::strcmp(setting, "0") == 0 ? 0 : kGuardBytes;
}

void check(cudaError_t result, const char* what) {
  if (result != cudaSuccess) {
    (void)cudaGetLastError();
    msc::throw_error(msc::cuda::status_of_cuda_error(result), "%s: %s (%s)", what, cudaGetErrorString(result),
                     cudaGetErrorName(result));
  }
}

struct Block {
  unsigned char* base;
  size_t bytes;  // between the guards
  std::string name;
};

std::map<const void*, Block> blocks;
std::vector<std::string> faults;
std::map<std::string, uint64_t> launches;

void check_guards(const Block& block) {
  const size_t guard = guard_bytes();
  const auto is_guard = [](unsigned char byte) { return byte == kGuard; };
  if (!std::all_of(block.base, block.base + guard, is_guard)) {
    faults.push_back("bytes before the array '" + block.name + "' were written");
  }
  const unsigned char* end = block.base + guard + block.bytes;
  if (!std::all_of(end, end + guard, is_guard)) {
    faults.push_back("bytes behind the array '" + block.name + "' (" + std::to_string(block.bytes) + " bytes) were written");
  }
}

}  // namespace

namespace cuda_on_cpu {

void* allocate_global(size_t bytes, std::string name) {
  const size_t guard = guard_bytes();
  void* base = nullptr;
  check(cudaHostAlloc(&base, std::max<size_t>(bytes + 2 * guard, 1), cudaHostAllocMapped), "allocating an array");
  auto* address = static_cast<unsigned char*>(base) + guard;
  std::memset(base, kGuard, bytes + 2 * guard);
  std::memset(address, kFill, bytes);
  blocks[address] = {static_cast<unsigned char*>(base), bytes, std::move(name)};
  return address;
}

void free_global(void* address) noexcept {
  const auto found = blocks.find(address);
  if (found == blocks.end()) {
    return;
  }
  // On a device that is lost the memory cannot be read.
  if (cudaDeviceSynchronize() == cudaSuccess) {
    check_guards(found->second);
  }
  (void)cudaFreeHost(found->second.base);
  blocks.erase(found);
}

void wait_for_kernels() { check(cudaDeviceSynchronize(), "a kernel failed"); }

bool sees_every_write() { return false; }

Memory& memory() {
  static Memory all;
  return all;
}
void Memory::set_initialised(const void*, size_t) {}
size_t Memory::count_initialised(const void* address, size_t bytes) {
  wait_for_kernels();
  const auto* begin = static_cast<const unsigned char*>(address);
  return bytes - static_cast<size_t>(std::count(begin, begin + bytes, kFill));
}

// A second run has no other order here; it shows whether a kernel gives the same bits twice.
void set_turns(Turns) {}
uint64_t finished_threads(const std::string& kernel) { return launches[kernel]; }

}  // namespace cuda_on_cpu

namespace msc::cuda {

/// The library's, with a count of launches; waits, so that an error is told of the kernel that made it.
void check_launch(cudaError_t result, const char* kernel) {
  ::check(result, kernel);
  ::check(cudaDeviceSynchronize(), kernel);
  ++launches[kernel];
}

}  // namespace msc::cuda

namespace cuda_on_device {

const std::string& missing_device() {
  static const std::string reason = [] {
    int driver = 0;
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) {
      return std::string("no CUDA device here: there is no NVIDIA driver");
    }
    int count = 0;
    const cudaError_t result = cudaGetDeviceCount(&count);
    if (result != cudaSuccess || count == 0) {
      (void)cudaGetLastError();
      return std::string("no CUDA device here: ") + (result == cudaSuccess ? "the driver finds none" : cudaGetErrorString(result));
    }
    int unified = 0;
    if (cudaDeviceGetAttribute(&unified, cudaDevAttrUnifiedAddressing, 0) != cudaSuccess || unified == 0) {
      return std::string("no CUDA device here that shares the host's addresses (unified addressing)");
    }
    return std::string();
  }();
  return reason;
}

std::string device_text() {
  cudaDeviceProp properties = {};
  int driver = 0;
  check(cudaGetDeviceProperties(&properties, 0), "reading the device's properties");
  check(cudaDriverGetVersion(&driver), "reading the driver's version");
  return std::string(properties.name) + ", compute capability " + std::to_string(properties.major) + "." +
         std::to_string(properties.minor) + ", the driver runs CUDA " + std::to_string(driver / 1000) + "." +
         std::to_string(driver % 1000 / 10);
}

std::vector<std::string> take_faults() { return std::exchange(faults, {}); }

}  // namespace cuda_on_device
