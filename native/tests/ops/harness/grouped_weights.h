#pragma once

#include "tests/ops/harness/weights.h"

namespace optest {

/// A weight whose scales are kept apart.
struct GroupedShape {
  int32_t format;  // MSC_FORMAT_U4, MSC_FORMAT_I8 or MSC_FORMAT_F8_E4M3
  int64_t rows, cols;
  int64_t group_cols;
  int64_t num_experts = 1;
  bool permuted = false;
  Fill fill = Fill::kRandom;
};

/// A sealed weight of random codes, loaded in uneven slices; `values` are w = (q - zero) * scale in the order of the input's
/// columns, by the definition alone.
TestWeight make_grouped_weight(Session& session, const GroupedShape& shape, double scale = 1.0);

/// "u4", "i8" or "f8_e4m3".
std::string grouped_name(int32_t format);

}  // namespace optest
