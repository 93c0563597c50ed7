#include "core/cpu_features.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "core/cgroup.h"
#include "core/processors.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <unistd.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace msc {
namespace {

#if defined(__x86_64__)
struct Leaf {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf = 0) {
  Leaf result;
  if (!__get_cpuid_count(leaf, subleaf, &result.a, &result.b, &result.c, &result.d)) {
    return {};
  }
  return result;
}

constexpr bool bit(unsigned value, unsigned number) { return (value >> number) & 1; }

/// State components that the operating system saves (XCR0); read by instruction because the intrinsic needs -mxsave.
unsigned saved_state() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

uint32_t detect_features() {
  // Bit numbers: Intel SDM volume 2A, CPUID, leaves 1 and 7.
  const Leaf one = cpuid(1);
  const Leaf seven = cpuid(7, 0);
  const Leaf seven_one = seven.a >= 1 ? cpuid(7, 1) : Leaf{};
  if (!bit(one.c, 27) || !bit(one.c, 28)) {
    return 0;  // no OSXSAVE or no AVX
  }
  const unsigned state = saved_state();
  if ((state & 0x6) != 0x6) {
    return 0;
  }
  uint32_t features = 0;
  // BMI2 has no bit of its own: kernels of the AVX2 level use it, and every processor with AVX2 has it.
  if (bit(seven.b, 5) && bit(seven.b, 8)) features |= MSC_CPU_FEATURE_AVX2;
  if (bit(one.c, 12)) features |= MSC_CPU_FEATURE_FMA;
  if (bit(one.c, 29)) features |= MSC_CPU_FEATURE_F16C;
  if (bit(seven_one.a, 4)) features |= MSC_CPU_FEATURE_AVX_VNNI;
  const bool state512 = (state & 0xE6) == 0xE6;
  const bool f = bit(seven.b, 16), dq = bit(seven.b, 17), bw = bit(seven.b, 30), vl = bit(seven.b, 31);
  if (state512 && f && dq && bw && vl) {
    features |= MSC_CPU_FEATURE_AVX512;
    if (bit(seven.c, 11)) features |= MSC_CPU_FEATURE_AVX512_VNNI;
    if (bit(seven_one.a, 5)) features |= MSC_CPU_FEATURE_AVX512_BF16;
  }
  return features;
}

void detect_name(char (&name)[64]) {
  const Leaf extended = cpuid(0x80000000u);
  if (extended.a < 0x80000004u) {
    return;
  }
  unsigned words[12];
  for (unsigned i = 0; i < 3; ++i) {
    const Leaf part = cpuid(0x80000002u + i);
    const unsigned registers[4] = {part.a, part.b, part.c, part.d};
    std::memcpy(words + 4 * i, registers, sizeof(registers));
  }
  std::memcpy(name, words, sizeof(words));
}
#else
uint32_t detect_features() { return 0; }
void detect_name(char (&)[64]) {}
#endif

#if defined(__linux__)
/// Size of the highest cache of `level` that holds data, as the kernel lists it for processor 0; 0 if it lists none.
uint64_t cache_bytes(int level) {
  for (int index = 0; index < 16; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    std::ifstream level_file(folder + "/level");
    int found = 0;
    if (!(level_file >> found)) {
      return 0;
    }
    std::string type;
    std::ifstream(folder + "/type") >> type;
    if (found == level && type != "Instruction") {
      std::string size;
      std::ifstream(folder + "/size") >> size;
      const uint64_t number = std::strtoull(size.c_str(), nullptr, 10);
      return size.ends_with('K') ? number << 10 : size.ends_with('M') ? number << 20 : number;
    }
  }
  return 0;
}

uint64_t cache_or_sysconf(int level, int name) {
  const uint64_t listed = cache_bytes(level);
  const long fallback = listed != 0 ? 0 : sysconf(name);
  return listed != 0 ? listed : fallback > 0 ? static_cast<uint64_t>(fallback) : 0;
}

void detect_memory(msc_cpu_info& info) {
  info.l1d_bytes = cache_or_sysconf(1, _SC_LEVEL1_DCACHE_SIZE);
  info.l2_bytes = cache_or_sysconf(2, _SC_LEVEL2_CACHE_SIZE);
  info.l3_bytes = cache_or_sysconf(3, _SC_LEVEL3_CACHE_SIZE);
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  info.memory_bytes = pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
  const uint64_t limit = read_cgroup_limits("").memory_bytes;
  if (limit != 0 && (info.memory_bytes == 0 || limit < info.memory_bytes)) {
    info.memory_bytes = limit;
  }
}
#elif defined(_WIN32)
void detect_memory(msc_cpu_info& info) {
  MEMORYSTATUSEX status = {};
  status.dwLength = sizeof(status);
  if (GlobalMemoryStatusEx(&status)) {
    info.memory_bytes = status.ullTotalPhys;
  }
}
#else
void detect_memory(msc_cpu_info&) {}
#endif

msc_cpu_info detect() {
  msc_cpu_info info = {};
  info.struct_size = sizeof(info);
  info.features = detect_features();
#ifdef MSC_EMULATE_AVX512
  info.features |= MSC_CPU_FEATURE_AVX_VNNI | MSC_CPU_FEATURE_AVX512 | MSC_CPU_FEATURE_AVX512_VNNI |
                   MSC_CPU_FEATURE_AVX512_BF16;
#endif
  constexpr uint32_t kAvx2 = MSC_CPU_FEATURE_AVX2 | MSC_CPU_FEATURE_FMA | MSC_CPU_FEATURE_F16C;
  info.best_isa = (info.features & kAvx2) != kAvx2                  ? MSC_ISA_PORTABLE
                  : (info.features & MSC_CPU_FEATURE_AVX512) == 0 ? MSC_ISA_AVX2
                                                                  : MSC_ISA_AVX512;
  info.usable_processors = usable_processors();
  detect_memory(info);
  detect_name(info.name);
  if (info.name[0] == '\0') {
    std::snprintf(info.name, sizeof(info.name), "unknown processor");
  }
  return info;
}

}  // namespace

const msc_cpu_info& cpu_info() {
  static const msc_cpu_info info = detect();
  return info;
}

uint32_t features_of_isa(uint32_t features, int32_t isa) {
  uint32_t allowed = 0;
  if (isa >= MSC_ISA_AVX2) {
    allowed |= MSC_CPU_FEATURE_AVX2 | MSC_CPU_FEATURE_FMA | MSC_CPU_FEATURE_F16C | MSC_CPU_FEATURE_AVX_VNNI;
  }
  if (isa >= MSC_ISA_AVX512) {
    allowed |= MSC_CPU_FEATURE_AVX512 | MSC_CPU_FEATURE_AVX512_VNNI | MSC_CPU_FEATURE_AVX512_BF16;
  }
  return features & allowed;
}

}  // namespace msc
