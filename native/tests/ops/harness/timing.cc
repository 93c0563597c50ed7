#include "tests/ops/harness/timing.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/ops/harness/session.h"

namespace optest {

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
  rows_.push_back({op_, name_, session.variant().name, session.num_threads(), durations[durations.size() / 2],
                   durations.front(), work, 0, 0});
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
