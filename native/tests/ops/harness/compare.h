#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "moesaic/base.h"

namespace optest {

/// Normalised mean-square error: sum (actual - expected)^2 / sum expected^2, in double.
/// Infinite when a value is not finite where the other is, or the lengths differ.
double nmse(std::span<const float> actual, std::span<const float> expected);

void expect_nmse(std::span<const float> actual, std::span<const float> expected, double limit, const std::string& what);

/// Same bits, element by element; reports the first difference.
void expect_bits_equal(std::span<const float> actual, std::span<const float> expected, const std::string& what);
void expect_equal(std::span<const int32_t> actual, std::span<const int32_t> expected, const std::string& what);

/// The call was refused with `status`, and the error text contains every one of `parts`.
void expect_refused(msc_status actual, msc_status status, const std::vector<std::string>& parts);

std::string last_error_text();

}  // namespace optest
