#pragma once

#include <cstddef>
#include <cstdint>

namespace msc::cpu {

// Exact dequantisation of every block format of GGUF files to float32: the slow obvious reference that kernels are
// checked against, and the way in which formats without kernels are loaded. `format` is an msc_format (ggml type id).

/// Whether dequantize_row reads this format.
bool dequantize_supported(int32_t format);

/// Elements in one block (1 for plain types); 0 for an unknown format.
size_t block_elements(int32_t format);

/// Bytes of one block (the element's size for plain types); 0 for an unknown format.
size_t block_bytes(int32_t format);

/// Writes num_elements floats. Bit-exact: each value is computed in float32 in the order that the format's definition
/// gives. `blocks` needs no alignment.
/// Throws Error (invalid argument) for a format that is not supported, or a number that is not a multiple of the block.
void dequantize_row(int32_t format, const void* blocks, int64_t num_elements, float* out);

}  // namespace msc::cpu
