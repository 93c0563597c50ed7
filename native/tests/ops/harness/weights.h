#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moesaic/weight.h"
#include "tests/ops/harness/session.h"

namespace optest {

/// What random blocks look like.
enum class Fill {
  kRandom,   // any quantised values; scales so that elements are of order `scale`
  kExtreme,  // the largest and smallest quantised values and sub-scales only, of both signs
  kZero,     // zero scales
};

/// Valid row-major blocks of any GGUF format (every bit pattern of the quantised values, finite scales).
/// @param count elements; a multiple of the format's block.
std::vector<std::byte> random_blocks(Rng& rng, int32_t format, int64_t count, double scale = 1.0,
                                     Fill fill = Fill::kRandom);

struct TestWeight {
  msc_weight* handle;
  int32_t format;
  int64_t num_experts, rows, cols;
  std::vector<std::byte> source;  // [num_experts, rows, cols] blocks, row-major
  std::vector<float> values;      // the same by msc_dequantize
};

/// A sealed weight of random blocks, loaded in slices of uneven size; destroyed with the session.
TestWeight make_weight(Session& session, int32_t format, int64_t rows, int64_t cols, int64_t num_experts = 1,
                       double scale = 1.0, Fill fill = Fill::kRandom);

/// A sealed weight of the given float values, stored as f32, f16 or bf16 (rounded to nearest even).
TestWeight make_float_weight(Session& session, int32_t format, int64_t rows, int64_t cols,
                             const std::vector<float>& values, int64_t num_experts = 1);

/// "q4_0", "bf16", ...; "format_N" for others.
std::string format_name(int32_t format);

/// Formats of GGUF files that hold matrices: every one that msc_dequantize reads.
const std::vector<int32_t>& all_weight_formats();

}  // namespace optest
