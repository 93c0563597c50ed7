#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "tests/cuda/layer/order.h"

namespace cuda_on_cpu {

enum class Access { kRead, kWrite, kAtomic };

/// An allocation that kernels may touch, with what is known of each of its bytes.
struct Region {
  struct Shadow {
    uint32_t writer = 0;   // stamp of the last write in this launch
    uint32_t readers = 0;  // set of stamps since
    bool initialised = false;
    bool by_atomic = false;
    bool operator==(const Shadow&) const = default;
  };
  std::string name;
  uintptr_t begin = 0;
  std::vector<Shadow> shadow;
  bool is_shared = false;
  uint32_t launch = 0;  // that the stamps belong to
};

/// Every allocation that a kernel may touch. Checks each access before it happens.
class Memory {
 public:
  /// Global memory; `bytes` at `address` stay the caller's.
  void add_global(const void* address, size_t bytes, bool initialised, std::string name);
  void remove_global(const void* address);
  /// Marks bytes that the host wrote or copied in.
  void set_initialised(const void* address, size_t bytes);
  /// How many of the bytes somebody has written.
  size_t count_initialised(const void* address, size_t bytes);

  /// Shared memory of the block that runs, nothing written yet.
  void add_shared(const void* address, size_t bytes, std::string name);
  void drop_shared();
  /// Whether the bytes lie in one object of the block's shared memory.
  bool is_shared(const void* address, size_t bytes);

  /// Throws Fault.
  void check(const void* address, size_t bytes, Access access, const Accessor& now);
  /// Destination of a copy in flight: may not be read until it has landed.
  void set_in_flight(const void* address, size_t bytes);

  Order& order() { return order_; }

 private:
  Region* find(uintptr_t address, size_t bytes);
  [[noreturn]] void out_of_bounds(uintptr_t address, size_t bytes, Access access, const Accessor& now) const;
  [[noreturn]] void race(const Region& region, uintptr_t address, Access access, uint32_t other, const char* what,
                         const Accessor& now) const;
  void check_byte(Region& region, size_t index, Access access, const Accessor& now);
  std::string who(const Stamp& stamp) const;

  Order order_;
  std::map<uintptr_t, Region> regions_;
  std::vector<uintptr_t> shared_;
  Region* recent_ = nullptr;
};

}  // namespace cuda_on_cpu
