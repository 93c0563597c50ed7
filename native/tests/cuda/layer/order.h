#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace cuda_on_cpu {

/// When a thread ran: constant between two of its synchronisations.
struct Stamp {
  uint32_t launch = 0;
  uint32_t block = 0;
  uint32_t phase = 0;   // block barriers passed
  uint32_t thread = 0;  // within the block
  uint32_t clock = 0;   // warp barriers passed
};

/// What one lane knows of the lanes of its warp: their clocks at the last warp barrier that joined them (vector clocks,
/// Fidge and Mattern 1988).
using WarpClock = std::array<uint32_t, 32>;

/// A thread that makes an access, and what it knows.
struct Accessor {
  uint32_t stamp_id = 0;
  const Stamp* stamp = nullptr;
  const WarpClock* known = nullptr;
};

/// All stamps of a launch, and the sets of readers that bytes have had since they were written.
class Order {
 public:
  void begin_launch();
  uint32_t launch() const { return launch_; }
  uint32_t add(const Stamp& stamp);
  const Stamp& stamp(uint32_t id) const { return stamps_[id]; }

  /// Whether what happened under `id` is over for the accessor: same thread, an earlier launch, or a barrier between.
  bool is_before(uint32_t id, const Accessor& now) const;

  /// The set of readers `set` with one more; 0 is the empty set.
  uint32_t with_reader(uint32_t set, const Accessor& now);
  /// A reader in the set that is not before the accessor; 0: none.
  uint32_t concurrent_reader(uint32_t set, const Accessor& now) const;

 private:
  struct Node {
    uint32_t parent;
    uint32_t stamp_id;
    bool several_blocks;
    uint32_t least;  // of the stamps in the set
    uint32_t greatest;
  };
  uint32_t launch_ = 0;
  std::vector<Stamp> stamps_{Stamp{}};
  std::vector<Node> nodes_{Node{}};
  std::unordered_map<uint64_t, uint32_t> next_;  // (set, stamp) to set
};

}  // namespace cuda_on_cpu
