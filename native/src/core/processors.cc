#include "core/processors.h"

#include <algorithm>
#include <thread>

#include "core/cgroup.h"

#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace msc {

std::vector<unsigned> allowed_processors() {
  std::vector<unsigned> processors;
#if defined(__linux__)
  // The kernel's mask may be longer than the fixed cpu_set_t: grow until it fits.
  for (int capacity = 1024; capacity <= 1 << 18; capacity *= 2) {
    cpu_set_t* set = CPU_ALLOC(capacity);
    if (set == nullptr) {
      break;
    }
    const size_t bytes = CPU_ALLOC_SIZE(capacity);
    const bool fits = sched_getaffinity(0, bytes, set) == 0;
    for (int cpu = 0; fits && cpu < capacity; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set)) {
        processors.push_back(static_cast<unsigned>(cpu));
      }
    }
    CPU_FREE(set);
    if (fits) {
      break;
    }
  }
#elif defined(_WIN32)
  // One processor group (64 processors): the others are not used.
  DWORD_PTR process_mask = 0;
  DWORD_PTR system_mask = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process_mask, &system_mask)) {
    for (unsigned cpu = 0; cpu < 8 * sizeof(process_mask); ++cpu) {
      if ((process_mask >> cpu) & 1) {
        processors.push_back(cpu);
      }
    }
  }
#endif
  return processors;
}

unsigned usable_processors() {
  unsigned count = static_cast<unsigned>(allowed_processors().size());
  if (count == 0) {
    count = std::max(1u, std::thread::hardware_concurrency());
  }
#if defined(__linux__)
  const double quota = read_cgroup_limits("").processors;
  if (quota > 0 && quota < count) {
    count = std::max(1u, static_cast<unsigned>(quota));
  }
#endif
  return count;
}

}  // namespace msc
