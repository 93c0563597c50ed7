#pragma once

#include <cstdint>

#include "moesaic/base.h"

namespace msc::cpu {

/// The formats that the CPU kernels run as they are stored, without expanding them.
/// kGrouped..: the scales lie apart, for groups of columns.
enum class NativeFormat {
  kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ4_K, kQ6_K, kQ5_0, kQ5_1, kQ5_K, kMXFP4, kNVFP4, kIQ4_NL, kIQ4_XS,
  kGroupedU4, kGroupedI8, kGroupedF8
};
inline constexpr int kNumNativeFormats = 18;

/// Sizes of one block of a format, in the source and as packed (packed sizes are per row of a group).
struct FormatGeometry {
  int32_t format;          // msc_format
  const char* name;
  int64_t elements;        // of one block
  int64_t source_bytes;    // of one block
  int64_t scale_bytes;     // packed scales of one block
  int64_t element_bytes;   // packed elements of one block
  bool quantised;
  bool has_factor = false;  // an f32 of each row comes before the packed scales
  int64_t group_bytes = 0;  // packed scales of one group of columns of a row, where they are kept apart
};

/// Whether the scales of a format are kept apart from its elements, in groups of columns that the weight's description sets.
inline bool has_groups(const FormatGeometry& shape) { return shape.group_bytes != 0; }

const FormatGeometry& geometry(NativeFormat format);

/// Sets *native and returns true when `format` (msc_format) is one of them.
bool find_native_format(int32_t format, NativeFormat* native);

}  // namespace msc::cpu
