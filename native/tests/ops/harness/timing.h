#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace optest {

class Session;
struct Variant;

/// What one call of an op must do at least: the bytes it must read or write, and its operations (a multiply-add is two).
struct Work {
  double bytes = 0;
  double operations = 0;
  int32_t peak = 0;  // msc_peak that limits the operations; 0: none
};

/// Times ops and prints a table whose last columns are percentages of the device's measured limits.
class Timer {
 public:
  explicit Timer(double seconds_per_case) : seconds_per_case_(seconds_per_case) {}

  void begin_case(std::string op, std::string name) {
    op_ = std::move(op);
    name_ = std::move(name);
  }

  /// Calls `call` for a while; records the median duration.
  void measure(const Session& session, const Work& work, const std::function<bool()>& call);

  void print() const;

 private:
  struct Row {
    std::string op, name, variant;
    uint32_t num_threads;
    double median_seconds, minimum_seconds;
    Work work;
    double bandwidth;  // measured limits of the device, per second; 0: not known
    double peak;
  };

  double seconds_per_case_;
  std::string op_, name_;
  std::vector<Row> rows_;
};

}  // namespace optest
