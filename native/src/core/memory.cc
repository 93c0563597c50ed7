#include "core/memory.h"

#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/error.h"

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace msc {
namespace {

constexpr uint64_t kAlignment = 64;

[[noreturn]] void throw_out_of_memory(uint64_t bytes) {
  throw_error(MSC_STATUS_OUT_OF_RESOURCE, "no memory for %llu bytes: free something or ask for less",
              static_cast<unsigned long long>(bytes));
}

std::byte* allocate_small(uint64_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - kAlignment) {
    throw_out_of_memory(bytes);
  }
  const size_t rounded = static_cast<size_t>((bytes + kAlignment - 1) / kAlignment * kAlignment);
#if defined(_WIN32)
  void* data = _aligned_malloc(rounded, kAlignment);
#else
  void* data = std::aligned_alloc(kAlignment, rounded);
#endif
  if (data == nullptr) {
    throw_out_of_memory(bytes);
  }
  return static_cast<std::byte*>(std::memset(data, 0, rounded));
}

void free_small(std::byte* data) noexcept {
#if defined(_WIN32)
  _aligned_free(data);
#else
  std::free(data);
#endif
}

// Under AddressSanitizer every block comes from malloc, whose red zones find overruns. GCC tells of it by a macro, Clang
// by a feature.
#if defined(__SANITIZE_ADDRESS__)
#define MSC_HAS_RED_ZONES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MSC_HAS_RED_ZONES 1
#endif
#endif

#if defined(__linux__) && !defined(MSC_HAS_RED_ZONES)
constexpr uint64_t kHugePage = 2u << 20;
constexpr uint64_t kLarge = kHugePage;

/// Maps with slack and returns the slack, which leaves a block that starts on a huge page.
std::byte* allocate_large(uint64_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() / 2) {
    throw_out_of_memory(bytes);
  }
  const uint64_t kept = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  const uint64_t mapped = kept + kHugePage;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    throw_out_of_memory(bytes);
  }
  const auto address = reinterpret_cast<uintptr_t>(base);
  const uintptr_t begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  auto* data = static_cast<std::byte*>(base) + (begin - address);
  if (begin != address) {
    munmap(base, begin - address);
  }
  if (const uint64_t tail = address + mapped - (begin + kept); tail != 0) {
    munmap(data + kept, tail);
  }
  madvise(data, kept, MADV_HUGEPAGE);  // advice: a kernel without huge pages refuses it, at no loss of function
  return data;
}

void free_large(std::byte* data, uint64_t bytes) noexcept {
  munmap(data, (bytes + kHugePage - 1) / kHugePage * kHugePage);
}

// Blocks of less than half a chunk share one; only touched pages of a chunk cost memory.
constexpr uint64_t kPoolChunk = 16 * kHugePage;
#else
constexpr uint64_t kPoolChunk = 0;
constexpr uint64_t kLarge = std::numeric_limits<uint64_t>::max();
std::byte* allocate_large(uint64_t bytes) { return allocate_small(bytes); }
void free_large(std::byte* data, uint64_t) noexcept { free_small(data); }
#endif

}  // namespace

std::byte* allocate_zeroed(uint64_t bytes) { return bytes >= kLarge ? allocate_large(bytes) : allocate_small(bytes); }

void free_zeroed(std::byte* data, uint64_t bytes) noexcept {
  if (data == nullptr) {
    return;
  }
  if (bytes >= kLarge) {
    free_large(data, bytes);
  } else {
    free_small(data);
  }
}

std::shared_ptr<std::byte> MemoryPool::allocate(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes >= kPoolChunk / 2) {
    auto own = std::make_shared<HostMemory>(bytes);
    return {own, own->data()};
  }
  std::shared_ptr<HostMemory> chunk = chunk_.lock();
  if (chunk == nullptr || kPoolChunk - used_ < bytes) {
    chunk = std::make_shared<HostMemory>(kPoolChunk);
    chunk_ = chunk;
    used_ = 0;
  }
  std::shared_ptr<std::byte> block(chunk, chunk->data() + used_);
  used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return block;
}

}  // namespace msc
