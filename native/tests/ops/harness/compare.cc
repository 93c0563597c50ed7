#include "tests/ops/harness/compare.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace optest {

double nmse(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(actual[i]) || !std::isfinite(expected[i])) {
      if (std::isinf(expected[i]) && actual[i] == expected[i]) {
        continue;
      }
      return std::numeric_limits<double>::infinity();
    }
    const double difference = static_cast<double>(actual[i]) - expected[i];
    error += difference * difference;
    power += static_cast<double>(expected[i]) * expected[i];
  }
  return error == 0 ? 0 : error / power;
}

void expect_nmse(std::span<const float> actual, std::span<const float> expected, double limit,
                 const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  const double value = nmse(actual, expected);
  if (value <= limit) {
    return;
  }
  size_t worst = 0;
  double worst_difference = -1;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (!(difference <= worst_difference)) {
      worst = i;
      worst_difference = difference;
      if (std::isnan(difference)) {
        break;
      }
    }
  }
  ADD_FAILURE() << what << ": NMSE " << value << " is above " << limit << "; element " << worst << " is "
                << actual[worst] << ", expected " << expected[worst];
}

void expect_bits_equal(std::span<const float> actual, std::span<const float> expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(actual[i]), std::bit_cast<uint32_t>(expected[i]))
        << what << ": element " << i << " is " << actual[i] << ", expected the bits of " << expected[i];
  }
}

void expect_equal(std::span<const int32_t> actual, std::span<const int32_t> expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i], expected[i]) << what << ": element " << i;
  }
}

void expect_refused(msc_status actual, msc_status status, const std::vector<std::string>& parts) {
  EXPECT_EQ(actual, status) << last_error_text();
  if (actual == MSC_STATUS_OK) {
    return;
  }
  const std::string text = last_error_text();
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
  }
}

std::string last_error_text() {
  uint64_t length = 0;
  if (msc_last_error_copy(nullptr, 0, &length) != MSC_STATUS_OK) {
    return "(no error text)";
  }
  std::string text(length, '\0');
  msc_last_error_copy(text.data(), length + 1, nullptr);
  return text;
}

}  // namespace optest
