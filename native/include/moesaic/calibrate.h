/* The machine's limits, measured: denominators of every performance figure. */
#ifndef MOESAIC_CALIBRATE_H
#define MOESAIC_CALIBRATE_H

#include "moesaic/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum msc_peak {
  /** Full-range 8-bit dot products into 32 bits, with the best instructions in use: VNNI, else maddubs + madd + add; at the
   * portable level products of bytes widened to 16 bits, without the widening (SSE2: pmaddwd + paddd). */
  MSC_PEAK_INT8_DOT = 1,
  /** bf16 dot products into float32 (VDPBF16PS); refused where the device does not use that instruction. */
  MSC_PEAK_BF16_DOT = 2,
  MSC_PEAK_F32_FMA = 3
} msc_peak;

typedef struct msc_calibration {
  uint32_t struct_size;
  uint32_t num_threads;
  /** Bytes or operations per second (a multiply-add counts as two), median over repetitions. */
  double median;
  double minimum;
  double maximum;
} msc_calibration;

/** Sequential read of buffer_bytes (at least four times the last-level cache is sensible) by all threads of the device.
 * @param seconds rough duration. */
MSC_API msc_status msc_calibrate_read_bandwidth(msc_stream* stream, uint64_t buffer_bytes, double seconds,
                                                msc_calibration* result);
/** Peak arithmetic in registers on all threads of the device. @param peak msc_peak. */
MSC_API msc_status msc_calibrate_peak(msc_stream* stream, int32_t peak, double seconds, msc_calibration* result);

#ifdef __cplusplus
}
#endif
#endif
