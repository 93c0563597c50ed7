#pragma once

#include <cstdint>
#include <string>

namespace optest {

/// Prints the measured limits of every variant here (or of one), a line each: "VARIANT THREADS NAME MEDIAN MAXIMUM" with
/// rates in 1e9 per second, and "- 1 clock HZ HZ" for the processor's clock.
void print_calibration(const std::string& only_variant, uint32_t num_threads, double seconds);

}  // namespace optest
