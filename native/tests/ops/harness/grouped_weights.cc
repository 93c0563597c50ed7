#include "tests/ops/harness/grouped_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "tests/ops/harness/compare.h"

namespace optest {
namespace {

void check(msc_status status) {
  if (status != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
}

/// Source data of all rows, dense.
struct GroupedSource {
  std::vector<std::byte> codes;
  std::vector<float> scales;
  std::vector<int16_t> zeros;
  std::vector<int32_t> permutation;
  uint64_t row_bytes;
  int64_t groups;
};

int random_code(Rng& rng, const GroupedShape& shape) {
  const bool extreme = shape.fill == Fill::kExtreme;
  switch (shape.format) {
    case MSC_FORMAT_U4:
      return extreme ? (rng.integer(0, 1) != 0 ? 15 : 0) : static_cast<int>(rng.integer(0, 15));
    case MSC_FORMAT_I8:
      return extreme ? (rng.integer(0, 1) != 0 ? 127 : -128) : static_cast<int>(rng.integer(-128, 127));
    default: {
      const int magnitude = extreme ? 126 : static_cast<int>(rng.integer(0, 126));  // 127 is no number
      return magnitude | (rng.integer(0, 1) != 0 ? 128 : 0);
    }
  }
}

double value_of_code(int32_t format, int code) {
  if (format != MSC_FORMAT_F8_E4M3) {
    return code;
  }
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (code & 128) != 0 ? -magnitude : magnitude;
}

double largest(int32_t format) { return format == MSC_FORMAT_U4 ? 8 : format == MSC_FORMAT_I8 ? 128 : 448; }

int16_t random_zero(Rng& rng, int32_t format) {
  return static_cast<int16_t>(format == MSC_FORMAT_U4 ? rng.integer(0, 16) : rng.integer(-128, 128));
}

std::vector<int32_t> random_permutation(Rng& rng, int64_t cols) {
  std::vector<int32_t> order(static_cast<size_t>(cols));
  std::iota(order.begin(), order.end(), 0);
  for (size_t k = order.size() - 1; k > 0; --k) {
    std::swap(order[k], order[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(k)))]);
  }
  return order;
}

void put_code(GroupedSource& source, const GroupedShape& shape, int64_t row, int64_t k, int code) {
  const size_t begin = static_cast<size_t>(row) * source.row_bytes;
  if (shape.format == MSC_FORMAT_U4) {
    source.codes[begin + static_cast<size_t>(k / 2)] |= static_cast<std::byte>(code << (4 * (k % 2)));
  } else {
    source.codes[begin + static_cast<size_t>(k)] = static_cast<std::byte>(code);
  }
}

GroupedSource fill(Rng& rng, const GroupedShape& shape, double scale, std::vector<float>& values) {
  GroupedSource source;
  const bool has_zeros = shape.format != MSC_FORMAT_F8_E4M3;
  const int64_t rows = shape.rows * shape.num_experts;
  source.groups = (shape.cols - 1) / shape.group_cols + 1;
  source.row_bytes = static_cast<uint64_t>(shape.format == MSC_FORMAT_U4 ? shape.cols / 2 : shape.cols);
  source.codes.resize(static_cast<size_t>(rows) * source.row_bytes);
  values.resize(static_cast<size_t>(rows * shape.cols));
  if (shape.permuted) {
    source.permutation = random_permutation(rng, shape.cols);
  }
  for (int64_t i = 0; i < rows * source.groups; ++i) {
    const double magnitude = shape.fill == Fill::kZero ? 0 : (0.5 + rng.uniform()) * scale / largest(shape.format);
    source.scales.push_back(static_cast<float>(rng.integer(0, 7) == 0 ? -magnitude : magnitude));
    if (has_zeros) {
      source.zeros.push_back(random_zero(rng, shape.format));
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < shape.cols; ++k) {
      const int code = random_code(rng, shape);
      put_code(source, shape, row, k, code);
      const auto group = static_cast<size_t>(row * source.groups + k / shape.group_cols);
      const double zero = has_zeros ? source.zeros[group] : 0;
      const auto exact = static_cast<float>(value_of_code(shape.format, code) - zero);
      const int64_t column = shape.permuted ? source.permutation[static_cast<size_t>(k)] : k;
      values[static_cast<size_t>(row * shape.cols + column)] = exact * source.scales[group];
    }
  }
  return source;
}

void load_rows(const GroupedShape& shape, const GroupedSource& source, msc_weight* weight, int64_t expert, int64_t begin,
               int64_t end) {
  const int64_t row = expert * shape.rows + begin;
  msc_weight_slice slice = {};
  slice.struct_size = sizeof(slice);
  slice.expert = expert;
  slice.row_begin = begin;
  slice.num_rows = end - begin;
  slice.source = source.codes.data() + static_cast<uint64_t>(row) * source.row_bytes;
  slice.source_row_bytes = source.row_bytes;
  slice.scales = source.scales.data() + row * source.groups;
  slice.zero_points = source.zeros.empty() ? nullptr : source.zeros.data() + row * source.groups;
  slice.permutation = shape.permuted ? source.permutation.data() : nullptr;
  check(msc_weight_load(weight, &slice));
}

}  // namespace

TestWeight make_grouped_weight(Session& session, const GroupedShape& shape, double scale) {
  TestWeight weight{nullptr, shape.format, shape.num_experts, shape.rows, shape.cols, {}, {}};
  GroupedSource source = fill(session.rng(), shape, scale, weight.values);
  msc_weight_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.format = shape.format;
  desc.num_experts = shape.num_experts;
  desc.rows = shape.rows;
  desc.cols = shape.cols;
  desc.group_rows = 1;
  desc.group_cols = shape.group_cols;
  desc.scale_format = MSC_FORMAT_F32;
  desc.zero_point_format = source.zeros.empty() ? -1 : MSC_FORMAT_I16;
  check(msc_weight_create(session.device(), &desc, &weight.handle));
  session.keep([handle = weight.handle] { msc_weight_destroy(handle); });
  for (int64_t expert = 0; expert < shape.num_experts; ++expert) {
    for (int64_t end = shape.rows, step = 0; end > 0; ++step) {
      const int64_t begin = std::max<int64_t>(0, end - (step % 2 == 0 ? 16 : 41));
      load_rows(shape, source, weight.handle, expert, begin, end);
      end = begin;
    }
  }
  check(msc_weight_seal(weight.handle));
  weight.source = std::move(source.codes);
  return weight;
}

std::string grouped_name(int32_t format) {
  return format == MSC_FORMAT_U4 ? "u4" : format == MSC_FORMAT_I8 ? "i8" : "f8_e4m3";
}

}  // namespace optest
