#include "core/pinning.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>

#include "core/processors.h"

#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace msc {
namespace {

struct Registry {
  std::mutex mutex;
  std::set<unsigned> taken;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

/// Hardware threads of the core that `processor` belongs to, itself included (sysfs lists "0,64" or "0-1").
std::vector<unsigned> siblings(unsigned processor) {
  std::vector<unsigned> result;
#if defined(__linux__)
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list");
  unsigned first = 0;
  while (file >> first) {
    unsigned last = first;
    if (file.peek() == '-') {
      file.get();
      file >> last;
    }
    for (unsigned cpu = first; cpu <= last && result.size() < 64; ++cpu) {
      result.push_back(cpu);
    }
    if (file.peek() == ',') {
      file.get();
    }
  }
#endif
  if (result.empty()) {
    result.push_back(processor);
  }
  return result;
}

}  // namespace

ProcessorLease::ProcessorLease(unsigned count) {
  if (count == 0) {
    return;
  }
  const std::vector<unsigned> allowed = allowed_processors();
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  processors_.reserve(std::min<size_t>(count, allowed.size()));
  for (const bool whole_cores_only : {true, false}) {
    for (const unsigned processor : allowed) {
      if (processors_.size() == count) {
        return;
      }
      const std::vector<unsigned> core = siblings(processor);
      const auto is_taken = [&](unsigned cpu) { return all.taken.contains(cpu); };
      const bool blocked =
          whole_cores_only ? std::any_of(core.begin(), core.end(), is_taken) : is_taken(processor);
      if (!blocked) {
        all.taken.insert(processor);
        processors_.push_back(processor);
      }
    }
  }
}

ProcessorLease::~ProcessorLease() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const unsigned processor : processors_) {
    all.taken.erase(processor);
  }
}

bool pin_this_thread(unsigned processor) noexcept {
#if defined(__linux__)
  cpu_set_t* set = CPU_ALLOC(processor + 1);
  if (set == nullptr) {
    return false;
  }
  const size_t bytes = CPU_ALLOC_SIZE(processor + 1);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(processor, bytes, set);
  const bool done = sched_setaffinity(0, bytes, set) == 0;
  CPU_FREE(set);
  return done;
#elif defined(_WIN32)
  return SetThreadAffinityMask(GetCurrentThread(), DWORD_PTR{1} << processor) != 0;
#else
  (void)processor;
  return false;
#endif
}

}  // namespace msc
