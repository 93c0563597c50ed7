#include "tests/cuda/layer/memory.h"

#include <sstream>
#include <stdexcept>

#include "tests/cuda/layer/fault.h"

namespace cuda_on_cpu {
namespace {

const char* name_of(Access access) {
  switch (access) {
    case Access::kRead:
      return "reads";
    case Access::kWrite:
      return "writes";
    default:
      return "changes atomically";
  }
}

}  // namespace

void Memory::add_global(const void* address, size_t bytes, bool initialised, std::string name) {
  Region region;
  region.name = std::move(name);
  region.begin = reinterpret_cast<uintptr_t>(address);
  region.shadow.resize(bytes);
  for (Region::Shadow& shadow : region.shadow) {
    shadow.initialised = initialised;
  }
  regions_[region.begin] = std::move(region);
  recent_ = nullptr;
}

void Memory::remove_global(const void* address) {
  regions_.erase(reinterpret_cast<uintptr_t>(address));
  recent_ = nullptr;
}

void Memory::set_initialised(const void* address, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(address);
  Region* region = find(first, bytes);
  if (region == nullptr) {
    throw std::logic_error("set_initialised: not within one allocation");
  }
  for (size_t i = 0; i < bytes; ++i) {
    region->shadow[first - region->begin + i].initialised = true;
  }
}

size_t Memory::count_initialised(const void* address, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(address);
  const Region* region = find(first, bytes);
  if (region == nullptr) {
    throw std::logic_error("count_initialised: not within one allocation");
  }
  size_t count = 0;
  for (size_t i = 0; i < bytes; ++i) {
    count += region->shadow[first - region->begin + i].initialised;
  }
  return count;
}

void Memory::add_shared(const void* address, size_t bytes, std::string name) {
  add_global(address, bytes, false, std::move(name));
  regions_[reinterpret_cast<uintptr_t>(address)].is_shared = true;
  shared_.push_back(reinterpret_cast<uintptr_t>(address));
}

void Memory::drop_shared() {
  for (const uintptr_t begin : shared_) {
    regions_.erase(begin);
  }
  shared_.clear();
  recent_ = nullptr;
}

bool Memory::is_shared(const void* address, size_t bytes) {
  const Region* region = find(reinterpret_cast<uintptr_t>(address), bytes);
  return region != nullptr && region->is_shared;
}

Region* Memory::find(uintptr_t address, size_t bytes) {
  const auto holds = [&](const Region& region) {
    return address >= region.begin && address - region.begin + bytes <= region.shadow.size();
  };
  if (recent_ != nullptr && holds(*recent_)) {
    return recent_;
  }
  auto next = regions_.upper_bound(address);
  if (next == regions_.begin()) {
    return nullptr;
  }
  Region& region = std::prev(next)->second;
  if (!holds(region)) {
    return nullptr;
  }
  recent_ = &region;
  return recent_;
}

void Memory::check(const void* address, size_t bytes, Access access, const Accessor& now) {
  const auto first = reinterpret_cast<uintptr_t>(address);
  Region* region = find(first, bytes);
  if (region == nullptr) {
    out_of_bounds(first, bytes, access, now);
  }
  if (region->launch != order_.launch()) {
    // Launches of a stream are ordered.
    for (Region::Shadow& shadow : region->shadow) {
      shadow.writer = 0;
      shadow.readers = 0;
    }
    region->launch = order_.launch();
  }
  // Bytes of one access mostly have one history.
  Region::Shadow* const shadow = &region->shadow[first - region->begin];
  Region::Shadow before;
  for (size_t i = 0; i < bytes; ++i) {
    const Region::Shadow own = shadow[i];
    if (i > 0 && own == before) {
      shadow[i] = shadow[i - 1];
    } else {
      check_byte(*region, first - region->begin + i, access, now);
    }
    before = own;
  }
}

void Memory::check_byte(Region& region, size_t index, Access access, const Accessor& now) {
  Region::Shadow& shadow = region.shadow[index];
  const bool both_atomic = access == Access::kAtomic && shadow.by_atomic;
  if (!both_atomic && !order_.is_before(shadow.writer, now)) {
    race(region, region.begin + index, access, shadow.writer, "wrote", now);
  }
  if (access != Access::kWrite && !shadow.initialised) {
    std::ostringstream text;
    text << who(*now.stamp) << " " << name_of(access) << " byte " << index << " of '" << region.name
         << "', which nothing has written";
    throw Fault(FaultKind::kUninitialised, text.str());
  }
  if (access == Access::kRead) {
    shadow.readers = order_.with_reader(shadow.readers, now);
    return;
  }
  if (const uint32_t reader = order_.concurrent_reader(shadow.readers, now)) {
    race(region, region.begin + index, access, reader, "read", now);
  }
  shadow.writer = now.stamp_id;
  shadow.readers = 0;
  shadow.initialised = true;
  shadow.by_atomic = access == Access::kAtomic;
}

void Memory::set_in_flight(const void* address, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(address);
  Region* region = find(first, bytes);
  for (size_t i = 0; i < bytes; ++i) {
    region->shadow[first - region->begin + i].initialised = false;
  }
}

void Memory::out_of_bounds(uintptr_t address, size_t bytes, Access access, const Accessor& now) const {
  std::ostringstream text;
  text << who(*now.stamp) << " " << name_of(access) << " " << bytes << " bytes at 0x" << std::hex << address << std::dec
       << ", outside every allocation";
  auto next = regions_.upper_bound(address);
  if (next != regions_.begin()) {
    const Region& below = std::prev(next)->second;
    text << "; '" << below.name << "' (" << below.shadow.size() << " bytes) begins " << address - below.begin
         << " bytes below";
  }
  if (next != regions_.end()) {
    text << "; '" << next->second.name << "' begins " << next->second.begin - address << " bytes above";
  }
  throw Fault(FaultKind::kBounds, text.str());
}

void Memory::race(const Region& region, uintptr_t address, Access access, uint32_t other, const char* what,
                  const Accessor& now) const {
  std::ostringstream text;
  text << who(*now.stamp) << " " << name_of(access) << " byte " << address - region.begin << " of '" << region.name
       << "', which " << who(order_.stamp(other)) << " " << what << " with no barrier between";
  throw Fault(FaultKind::kRace, text.str());
}

std::string Memory::who(const Stamp& stamp) const {
  return "block " + std::to_string(stamp.block) + " thread " + std::to_string(stamp.thread);
}

}  // namespace cuda_on_cpu
