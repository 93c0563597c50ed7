#pragma once

#include <cstdint>
#include <string>

namespace msc {

/// Limits that control groups (v1 or v2) set for this process.
struct CgroupLimits {
  double processors = 0;     // 0: none
  uint64_t memory_bytes = 0;  // 0: none
};

/// Reads the limits of the process's group and of all groups above it. `root` is put before every path that is read
/// (tests pass a folder). What cannot be read limits nothing.
CgroupLimits read_cgroup_limits(const std::string& root);

}  // namespace msc
