#include "cpu/calibrate/calibrate.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/cpu_features.h"
#include "core/error.h"
#include "core/memory.h"
#include "cpu/calibrate/kernels.h"

namespace msc::calibrate {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void check_seconds(double seconds) {
  MSC_CHECK_ARGUMENT(seconds > 0 && seconds <= 60, "seconds is %g, expected more than 0 and at most 60", seconds);
}

/// Repeats `section` (on all threads) for about `seconds`, at least five times after one to warm up; the rate is
/// `amount` per duration.
template <class Section>
msc_calibration repeat(msc_device& device, double amount, double seconds, Section&& section) {
  constexpr size_t kLeast = 5;
  constexpr size_t kMost = 1 << 16;
  std::vector<double> rates;
  device.pool.run(section);
  const auto begin = Clock::now();
  while (rates.size() < kLeast || (seconds_since(begin) < seconds && rates.size() < kMost)) {
    const auto start = Clock::now();
    device.pool.run(section);
    rates.push_back(amount / seconds_since(start));
  }
  std::sort(rates.begin(), rates.end());
  msc_calibration result = {};
  result.struct_size = sizeof(result);
  result.num_threads = device.pool.num_threads();
  result.median = rates[rates.size() / 2];
  result.minimum = rates.front();
  result.maximum = rates.back();
  return result;
}

ReadKernel read_kernel(const msc_device& device) {
#if defined(__x86_64__)
  switch (device.isa) {
    case MSC_ISA_AVX512:
      return read_avx512;
    case MSC_ISA_AVX2:
      return read_avx2;
    default:
      break;
  }
#endif
  (void)device;
  return read_portable;
}

const Peak& int8_peak(const msc_device& device) {
#if defined(__x86_64__)
  if (device.isa == MSC_ISA_AVX512) {
    return (device.features & MSC_CPU_FEATURE_AVX512_VNNI) != 0 ? kInt8Avx512Vnni : kInt8Avx512;
  }
  if (device.isa == MSC_ISA_AVX2) {
    return (device.features & MSC_CPU_FEATURE_AVX_VNNI) != 0 ? kInt8AvxVnni : kInt8Avx2;
  }
#endif
  (void)device;
  return kInt8Portable;
}

const Peak& f32_peak(const msc_device& device) {
#if defined(__x86_64__)
  if (device.isa != MSC_ISA_PORTABLE) {
    return device.isa == MSC_ISA_AVX512 ? kF32Avx512 : kF32Avx2;
  }
#endif
  (void)device;
  return kF32Portable;
}

const Peak& peak_of(const msc_device& device, int32_t peak) {
  switch (peak) {
    case MSC_PEAK_INT8_DOT:
      return int8_peak(device);
    case MSC_PEAK_F32_FMA:
      return f32_peak(device);
    case MSC_PEAK_BF16_DOT:
#if defined(__x86_64__)
      if ((device.features & MSC_CPU_FEATURE_AVX512_BF16) != 0) {
        return kBf16Avx512;
      }
#endif
      throw_error(MSC_STATUS_BAD_ARGUMENT,
                  "peak is MSC_PEAK_BF16_DOT, but this device has no bf16 dot product in use: ask for MSC_PEAK_F32_FMA");
    default:
      throw_error(MSC_STATUS_BAD_ARGUMENT, "peak is %d, expected a value of msc_peak", peak);
  }
}

/// Iterations that take one thread about two milliseconds: long beside a section's start and end.
int64_t iterations_for(const Peak& peak) {
  constexpr double kSeconds = 2e-3;
  for (int64_t iterations = 1024;; iterations *= 4) {
    const auto start = Clock::now();
    static std::atomic<uint32_t> sink;
    sink.fetch_add(peak.kernel(iterations), std::memory_order_relaxed);
    const double taken = seconds_since(start);
    if (taken > kSeconds / 8) {
      return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(iterations) * kSeconds / taken));
    }
  }
}

}  // namespace

msc_calibration read_bandwidth(msc_device& device, uint64_t buffer_bytes, double seconds) {
  check_seconds(seconds);
  const unsigned num_threads = device.pool.num_threads();
  const uint64_t least = uint64_t{num_threads} * kReadBlock;
  const uint64_t most = cpu_info().memory_bytes / 2;
  MSC_CHECK_ARGUMENT(buffer_bytes >= least && (most == 0 || buffer_bytes <= most),
                     "buffer_bytes is %llu, expected %llu (1 MiB a thread) to %llu (half the memory)",
                     static_cast<unsigned long long>(buffer_bytes), static_cast<unsigned long long>(least),
                     static_cast<unsigned long long>(most));
  const auto blocks = static_cast<int64_t>(buffer_bytes / kReadBlock);
  const HostMemory memory(static_cast<uint64_t>(blocks) * kReadBlock);
  const auto range_of = [&](unsigned thread) { return split_range(blocks, thread, num_threads); };
  // Written first, by the thread that reads it: untouched pages would all be one page of zeros in the cache.
  device.pool.run([&](unsigned thread) {
    const Range range = range_of(thread);
    std::memset(memory.data() + range.begin * static_cast<int64_t>(kReadBlock), 1,
                static_cast<size_t>(range.end - range.begin) * kReadBlock);
  });
  const ReadKernel kernel = read_kernel(device);
  std::atomic<uint64_t> sink{0};
  return repeat(device, static_cast<double>(memory.bytes()), seconds, [&](unsigned thread) {
    const Range range = range_of(thread);
    sink.fetch_add(kernel(memory.data() + range.begin * static_cast<int64_t>(kReadBlock),
                          static_cast<size_t>(range.end - range.begin) * kReadBlock),
                   std::memory_order_relaxed);
  });
}

msc_calibration peak(msc_device& device, int32_t which, double seconds) {
  check_seconds(seconds);
  const Peak& chosen = peak_of(device, which);
  const int64_t iterations = iterations_for(chosen);
  std::atomic<uint32_t> sink{0};
  const double amount = chosen.operations * static_cast<double>(iterations) * device.pool.num_threads();
  return repeat(device, amount, seconds,
                [&](unsigned) { sink.fetch_add(chosen.kernel(iterations), std::memory_order_relaxed); });
}

}  // namespace msc::calibrate
