#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace msc::cuda {

/// A row of any source in the terms that all share. Codes: bfloat16 bits, E4M3 bytes, signed bytes, or nibbles.
struct PlainRow {
  std::vector<uint16_t> codes;
  std::vector<float> scales;       // by group
  std::vector<float> corrections;  // likewise, where there are any
};

/// Fills a row from the blocks of a GGUF format; false for a format that is none of those that kernels run.
bool read_block_row(int32_t format, const std::byte* blocks, int64_t cols, PlainRow* row);
/// Codes of a row whose scales are kept apart, or of bfloat16.
bool read_code_row(int32_t format, const std::byte* source, int64_t cols, PlainRow* row);

}  // namespace msc::cuda
