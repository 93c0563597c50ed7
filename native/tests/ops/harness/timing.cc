#include "tests/ops/harness/timing.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "moesaic/calibrate.h"
#include "tests/ops/harness/session.h"

namespace optest {

namespace {

struct Limits {
  double bandwidth = 0;
  std::map<int32_t, double> peaks;
};

/// Limits of a device, measured once. A quarter of a second each: enough for a table, not for a published figure.
const Limits& limits_of(const Session& session) {
  static std::map<msc_device*, Limits> known;
  const auto [place, is_new] = known.try_emplace(session.device());
  Limits& limits = place->second;
  if (is_new) {
    constexpr double kSeconds = 0.25;
    msc_cpu_info info = {};
    info.struct_size = sizeof(info);
    msc_cpu_query(&info);
    msc_calibration result = {};
    result.struct_size = sizeof(result);
    const uint64_t bytes = std::max<uint64_t>(4 * info.l3_bytes, uint64_t{256} << 20);
    if (msc_calibrate_read_bandwidth(session.stream(), bytes, kSeconds, &result) == MSC_STATUS_OK) {
      limits.bandwidth = result.median;
    }
    for (const int32_t peak : {MSC_PEAK_INT8_DOT, MSC_PEAK_BF16_DOT, MSC_PEAK_F32_FMA}) {
      if (msc_calibrate_peak(session.stream(), peak, kSeconds, &result) == MSC_STATUS_OK) {
        limits.peaks[peak] = result.median;
      }
    }
  }
  return limits;
}

}  // namespace

void Timer::measure(const Session& session, const Work& work, const std::function<bool()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  std::vector<double> durations;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    if (!call()) {
      return;
    }
    durations.push_back(seconds_since(start));
  } while (durations.size() < 5 || (seconds_since(begin) < seconds_per_case_ && durations.size() < 100000));
  std::sort(durations.begin(), durations.end());
  const Limits& limits = limits_of(session);
  const auto peak = limits.peaks.find(work.peak);
  rows_.push_back({op_, name_, session.variant().name, session.num_threads(), durations[durations.size() / 2],
                   durations.front(), work, limits.bandwidth, peak == limits.peaks.end() ? 0 : peak->second});
}

void Timer::print() const {
  std::printf("| op | case | variant | threads | median us | min us | GB/s | of limit | GFLOP/s | of limit |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|---|\n");
  const auto print_rate = [](double amount, double seconds, double limit) {
    amount > 0 ? std::printf(" %.2f |", amount / seconds * 1e-9) : std::printf(" |");
    amount > 0 && limit > 0 ? std::printf(" %.0f%% |", 100 * amount / seconds / limit) : std::printf(" |");
  };
  for (const Row& row : rows_) {
    std::printf("| %s | %s | %s | %u | %.2f | %.2f |", row.op.c_str(), row.name.c_str(), row.variant.c_str(),
                row.num_threads, row.median_seconds * 1e6, row.minimum_seconds * 1e6);
    print_rate(row.work.bytes, row.median_seconds, row.bandwidth);
    print_rate(row.work.operations, row.median_seconds, row.peak);
    std::printf("\n");
  }
}

}  // namespace optest
