#include "tests/ops/harness/weights.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/half.h"

namespace optest {
namespace {

void check(msc_status status) {
  if (status != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
}

TestWeight load(Session& session, int32_t format, int64_t rows, int64_t cols, int64_t num_experts,
                std::vector<std::byte> source) {
  TestWeight weight{nullptr, format, num_experts, rows, cols, std::move(source), {}};
  uint64_t block_elements = 0;
  uint64_t block_bytes = 0;
  check(msc_format_block(format, &block_elements, &block_bytes));
  const uint64_t row_bytes = static_cast<uint64_t>(cols) / block_elements * block_bytes;

  msc_weight_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.format = format;
  desc.num_experts = num_experts;
  desc.rows = rows;
  desc.cols = cols;
  desc.scale_format = -1;
  desc.zero_point_format = -1;
  check(msc_weight_create(session.device(), &desc, &weight.handle));
  session.keep([handle = weight.handle] { msc_weight_destroy(handle); });

  // Uneven slices, the last rows first: loading must depend on neither.
  for (int64_t expert = 0; expert < num_experts; ++expert) {
    int64_t end = rows;
    for (int64_t step = 0; end > 0; ++step) {
      const int64_t begin = std::max<int64_t>(0, end - (step % 2 == 0 ? 16 : 41));
      msc_weight_slice slice = {};
      slice.struct_size = sizeof(slice);
      slice.expert = expert;
      slice.row_begin = begin;
      slice.num_rows = end - begin;
      slice.source = weight.source.data() + static_cast<uint64_t>(expert * rows + begin) * row_bytes;
      slice.source_row_bytes = row_bytes;
      check(msc_weight_load(weight.handle, &slice));
      end = begin;
    }
  }
  check(msc_weight_seal(weight.handle));

  weight.values.resize(static_cast<size_t>(num_experts * rows * cols));
  check(msc_dequantize(format, weight.source.data(), weight.values.size(), weight.values.data()));
  return weight;
}

}  // namespace

TestWeight make_weight(Session& session, int32_t format, int64_t rows, int64_t cols, int64_t num_experts, double scale,
                       Fill fill) {
  return load(session, format, rows, cols, num_experts,
              random_blocks(session.rng(), format, num_experts * rows * cols, scale, fill));
}

TestWeight make_float_weight(Session& session, int32_t format, int64_t rows, int64_t cols,
                             const std::vector<float>& values, int64_t num_experts) {
  if (values.size() != static_cast<size_t>(num_experts * rows * cols)) {
    throw std::logic_error("a weight of " + std::to_string(num_experts * rows * cols) + " elements was given " +
                           std::to_string(values.size()));
  }
  const bool is_f32 = format == MSC_FORMAT_F32;
  if (!is_f32 && format != MSC_FORMAT_F16 && format != MSC_FORMAT_BF16) {
    throw std::logic_error("make_float_weight stores f32, f16 or bf16");
  }
  std::vector<std::byte> source(values.size() * (is_f32 ? 4 : 2));
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_f32) {
      std::memcpy(source.data() + 4 * i, &values[i], 4);
    } else {
      const uint16_t bits = format == MSC_FORMAT_F16 ? float_to_half(values[i]) : float_to_bf16(values[i]);
      std::memcpy(source.data() + 2 * i, &bits, 2);
    }
  }
  return load(session, format, rows, cols, num_experts, std::move(source));
}

}  // namespace optest
