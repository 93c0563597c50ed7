#pragma once

#include <vector>

namespace msc {

/// Numbers of the processors that this thread's affinity mask allows, ascending; empty where that is not known.
std::vector<unsigned> allowed_processors();

/// Processors this process may use: affinity mask and cgroup quota (rounded down) honoured, at least 1.
/// A quota is rounded down because a pool with more threads than quota is throttled in the middle of a section.
unsigned usable_processors();

}  // namespace msc
