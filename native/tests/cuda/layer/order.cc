#include "tests/cuda/layer/order.h"

#include <algorithm>

namespace cuda_on_cpu {

void Order::begin_launch() {
  ++launch_;
  stamps_.assign(1, Stamp{});
  nodes_.assign(1, Node{});
  next_.clear();
}

uint32_t Order::add(const Stamp& stamp) {
  stamps_.push_back(stamp);
  return static_cast<uint32_t>(stamps_.size() - 1);
}

bool Order::is_before(uint32_t id, const Accessor& now) const {
  if (id == 0) {
    return true;
  }
  const Stamp& then = stamps_[id];
  const Stamp& here = *now.stamp;
  if (then.block != here.block) {
    return false;
  }
  if (then.thread == here.thread || then.phase != here.phase) {
    return true;
  }
  return then.thread / 32 == here.thread / 32 && (*now.known)[then.thread % 32] > then.clock;
}

uint32_t Order::with_reader(uint32_t set, const Accessor& now) {
  if (set != 0 && nodes_[set].several_blocks) {
    return set;  // whoever writes, one of these readers is in another block
  }
  if (set != 0) {
    // A barrier of the block separates all of an older phase's readers from what follows.
    const Stamp& last = stamps_[nodes_[set].stamp_id];
    if (last.block == now.stamp->block && last.phase != now.stamp->phase) {
      set = 0;
    }
  }
  const uint64_t key = (static_cast<uint64_t>(set) << 32) | now.stamp_id;
  const auto known = next_.find(key);
  if (known != next_.end()) {
    return known->second;
  }
  uint32_t result = 0;
  uint32_t least = now.stamp_id;
  uint32_t greatest = now.stamp_id;
  if (set != 0) {
    // Threads take turns in order, so that a stamp outside the set's range is the rule.
    if (now.stamp_id >= nodes_[set].least && now.stamp_id <= nodes_[set].greatest) {
      for (uint32_t node = set; node != 0 && result == 0; node = nodes_[node].parent) {
        result = nodes_[node].stamp_id == now.stamp_id ? set : 0;
      }
    }
    least = std::min(least, nodes_[set].least);
    greatest = std::max(greatest, nodes_[set].greatest);
  }
  if (result == 0) {
    const bool several = set != 0 && stamps_[nodes_[set].stamp_id].block != now.stamp->block;
    nodes_.push_back({set, now.stamp_id, several, least, greatest});
    result = static_cast<uint32_t>(nodes_.size() - 1);
  }
  next_.emplace(key, result);
  return result;
}

uint32_t Order::concurrent_reader(uint32_t set, const Accessor& now) const {
  for (uint32_t node = set; node != 0; node = nodes_[node].parent) {
    if (!is_before(nodes_[node].stamp_id, now)) {
      return nodes_[node].stamp_id;
    }
  }
  return 0;
}

}  // namespace cuda_on_cpu
