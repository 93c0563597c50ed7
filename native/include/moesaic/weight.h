/* Weights: matrices in the layout that a device's kernels want.
 *
 * A weight is data: an element format, the shape of its quantisation groups, and tensors of scales, zero
 * points and a permutation where the format keeps them apart. A weight holds num_experts matrices of
 * [rows, cols] (1 for a dense one); y = W x, rows are output features. It is created empty, filled slice by
 * slice (from several threads if wanted; slices must not overlap), then sealed. Filling repacks the source
 * into the device's layout; the source may be released right after the call. */
#ifndef MOESAIC_WEIGHT_H
#define MOESAIC_WEIGHT_H

#include "moesaic/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msc_weight msc_weight;

typedef struct msc_weight_desc {
  uint32_t struct_size;
  /** msc_format of the source data. */
  int32_t format;
  int64_t num_experts;
  /** Output features of one matrix held here (after slicing for a rank). */
  int64_t rows;
  /** Input features; a multiple of the format's block. */
  int64_t cols;
  /** Shape of a quantisation group whose scales are kept apart; 0, 0 for formats that carry their own. Formats with
   * separate scales are MSC_FORMAT_U4, MSC_FORMAT_I8 and MSC_FORMAT_F8_E4M3: w = scale * (q - zero), rounded once.
   * group_rows is 1. group_cols is a power of two, or at least cols (one group a row); 32 or more for U4 and I8,
   * whose cols are a multiple of 32; 4 or more for F8_E4M3, whose cols are a multiple of 4. The last group of a row
   * may have fewer columns. */
  int64_t group_rows;
  int64_t group_cols;
  /** Of separate scales: MSC_FORMAT_F32; of zero points: MSC_FORMAT_I16 (U4 and I8; F8_E4M3 has none). -1 for formats that
   * carry their own. */
  int32_t scale_format;
  int32_t zero_point_format;
} msc_weight_desc;

/** Rows [row_begin, row_begin + num_rows) of one expert, from row-major source data. */
typedef struct msc_weight_slice {
  uint32_t struct_size;
  /** What the values of these rows are multiplied with, for MSC_FORMAT_NVFP4 alone; 0 stands for 1. */
  float factor;
  int64_t expert;
  int64_t row_begin;
  int64_t num_rows;
  /** First source row; consecutive rows are source_row_bytes apart. */
  const void* source;
  uint64_t source_row_bytes;
  /** Separate scales and zero points of these rows, dense [num_rows, groups of a row]; NULL for formats without. Scales
   * are finite; those of F8_E4M3 are less than 2^8 in magnitude. Zero points of U4 are 0 to 255, of I8 -2048 to 2048. */
  const void* scales;
  const void* zero_points;
  /** [cols] Input column of each column of the source, each once: where the columns were sorted by group. NULL: as they
   * are. The same for all slices; formats with separate scales and one expert alone. */
  const int32_t* permutation;
} msc_weight_slice;

typedef struct msc_weight_info {
  uint32_t struct_size;
  int32_t format;
  int64_t num_experts;
  int64_t rows;
  int64_t cols;
  /** Bytes of one matrix as packed: what a decode step streams from memory. */
  uint64_t packed_bytes_per_expert;
  uint64_t packed_bytes;
} msc_weight_info;

/** Whether the device runs this format natively (without expanding it in memory); formats with separate scales, where
 * msc_weight_desc says how. */
MSC_API msc_status msc_weight_format_supported(const msc_device* device, int32_t format, int32_t* supported);
MSC_API msc_status msc_weight_create(msc_device* device, const msc_weight_desc* desc, msc_weight** weight);
MSC_API msc_status msc_weight_destroy(msc_weight* weight);
/** Repacks one slice on the calling thread. Thread-safe for slices that do not overlap. */
MSC_API msc_status msc_weight_load(msc_weight* weight, const msc_weight_slice* slice);
/** Ends filling: refused while rows are missing. Ops accept sealed weights only. */
MSC_API msc_status msc_weight_seal(msc_weight* weight);
MSC_API msc_status msc_weight_query(const msc_weight* weight, msc_weight_info* info);

/** Number of elements in one block of a format and its size in bytes (1 and the element size when unblocked). */
MSC_API msc_status msc_format_block(int32_t format, uint64_t* elements, uint64_t* bytes);
/** Exact dequantisation of num_elements (a multiple of the block) of any readable format to float32. */
MSC_API msc_status msc_dequantize(int32_t format, const void* source, uint64_t num_elements, float* target);

#ifdef __cplusplus
}
#endif
#endif
