#include "core/cgroup.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace msc {
namespace {

struct Mount {
  std::string root;   // path inside the hierarchy that is visible at `point`
  std::string point;  // where it is mounted
  bool unified;       // cgroup v2
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// The mount that serves `controller` (a v1 controller's name; "" asks for v2), from /proc/self/mountinfo (proc(5)).
bool find_mount(const std::string& root, const std::string& controller, Mount& mount) {
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) {
      continue;
    }
    const std::string& type = *(dash + 1);
    const bool fits = controller.empty() ? type == "cgroup2"
                                         : type == "cgroup" && contains(split(*(dash + 3), ','), controller);
    if (fits) {
      mount = {fields[3], fields[4], controller.empty()};
      return true;
    }
  }
  return false;
}

/// The process's path in the hierarchy of `controller`, from /proc/self/cgroup (cgroups(7)).
std::string own_group(const std::string& root, const std::string& controller) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool fits = controller.empty() ? controllers.empty() : contains(split(controllers, ','), controller);
    if (fits) {
      return line.substr(second + 1);
    }
  }
  return "/";
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// A positive number, or 0 for "max", -1 and anything unreadable.
double positive_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && value > 0 ? value : 0;
}

double read_processors(const std::string& folder, bool unified) {
  double quota = 0;
  double period = 0;
  if (unified) {
    const std::vector<std::string> parts = split(first_line(folder + "/cpu.max"), ' ');
    quota = parts.size() == 2 ? positive_number(parts[0]) : 0;
    period = parts.size() == 2 ? positive_number(parts[1]) : 0;
  } else {
    quota = positive_number(first_line(folder + "/cpu.cfs_quota_us"));
    period = positive_number(first_line(folder + "/cpu.cfs_period_us"));
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

double read_memory(const std::string& folder, bool unified) {
  return positive_number(first_line(folder + (unified ? "/memory.max" : "/memory.limit_in_bytes")));
}

/// The lowest limit of the process's group and the groups above it, as far as they are visible; 0: none.
double lowest_limit(const std::string& root, const std::string& controller,
                    double (*read)(const std::string& folder, bool unified)) {
  Mount mount;
  if (!find_mount(root, controller, mount)) {
    return 0;
  }
  std::string path = own_group(root, controller);
  // In a container the mount shows only the part below its root.
  if (mount.root != "/" && path.compare(0, mount.root.size(), mount.root) == 0) {
    path.erase(0, mount.root.size());
  }
  double lowest = 0;
  for (;;) {
    while (!path.empty() && path.back() == '/') {
      path.pop_back();
    }
    const double limit = read(root + mount.point + path, mount.unified);
    if (limit > 0) {
      lowest = lowest > 0 ? std::min(lowest, limit) : limit;
    }
    if (path.empty()) {
      return lowest;
    }
    const size_t slash = path.find_last_of('/');
    path.erase(slash == std::string::npos ? 0 : slash);
  }
}

double lower(double a, double b) { return a > 0 && b > 0 ? std::min(a, b) : std::max(a, b); }

}  // namespace

CgroupLimits read_cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  limits.processors = lower(lowest_limit(root, "", read_processors), lowest_limit(root, "cpu", read_processors));
  const double memory = lower(lowest_limit(root, "", read_memory), lowest_limit(root, "memory", read_memory));
  // v1 writes "no limit" as a number near 2^63.
  limits.memory_bytes = memory > 0 && memory < 9e18 ? static_cast<uint64_t>(memory) : 0;
  return limits;
}

}  // namespace msc
