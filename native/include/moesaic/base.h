/* Moesaic C ABI: status codes, error text, versions, element formats.
 *
 * Every entry of this ABI returns a msc_status. On any value other than MSC_STATUS_OK the calling
 * thread's error text is set; fetch it at once with msc_last_error_copy. No entry throws, aborts or exits.
 * Structures carry their own size in `struct_size`; a caller sets it to sizeof the structure it was
 * compiled with, and a mismatch is refused. The caller allocates all outputs. */
#ifndef MOESAIC_BASE_H
#define MOESAIC_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(MSC_BUILDING)
#define MSC_API __declspec(dllexport)
#else
#define MSC_API __declspec(dllimport)
#endif
#else
#define MSC_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this ABI; raised by one for every incompatible change. */
#define MSC_ABI_VERSION 2u

/** The four error classes, by what the caller can do about them. */
typedef enum msc_status {
  MSC_STATUS_OK = 0,
  /** The call is wrong: an argument, a shape, a format that is not supported. Do not repeat it unchanged. */
  MSC_STATUS_BAD_ARGUMENT = 1,
  /** Memory or another resource ran out: free something (preempt) and try again. */
  MSC_STATUS_OUT_OF_RESOURCE = 2,
  /** This call failed; the device is still usable for others. */
  MSC_STATUS_REQUEST_FAILED = 3,
  /** The device is unusable: restart the worker. */
  MSC_STATUS_DEVICE_LOST = 4
} msc_status;

/** Element formats of tensors and weights. Values below 256 are the ggml type numbers used in GGUF files. */
typedef enum msc_format {
  MSC_FORMAT_F32 = 0,
  MSC_FORMAT_F16 = 1,
  MSC_FORMAT_Q4_0 = 2,
  MSC_FORMAT_Q4_1 = 3,
  MSC_FORMAT_Q5_0 = 6,
  MSC_FORMAT_Q5_1 = 7,
  MSC_FORMAT_Q8_0 = 8,
  MSC_FORMAT_Q2_K = 10,
  MSC_FORMAT_Q3_K = 11,
  MSC_FORMAT_Q4_K = 12,
  MSC_FORMAT_Q5_K = 13,
  MSC_FORMAT_Q6_K = 14,
  MSC_FORMAT_IQ2_XXS = 16,
  MSC_FORMAT_IQ2_XS = 17,
  MSC_FORMAT_IQ3_XXS = 18,
  MSC_FORMAT_IQ1_S = 19,
  MSC_FORMAT_IQ4_NL = 20,
  MSC_FORMAT_IQ3_S = 21,
  MSC_FORMAT_IQ2_S = 22,
  MSC_FORMAT_IQ4_XS = 23,
  MSC_FORMAT_I8 = 24,
  MSC_FORMAT_I16 = 25,
  MSC_FORMAT_I32 = 26,
  MSC_FORMAT_I64 = 27,
  MSC_FORMAT_F64 = 28,
  MSC_FORMAT_IQ1_M = 29,
  MSC_FORMAT_BF16 = 30,
  MSC_FORMAT_TQ1_0 = 34,
  MSC_FORMAT_TQ2_0 = 35,
  MSC_FORMAT_MXFP4 = 39,
  MSC_FORMAT_NVFP4 = 40,
  /** Formats that no GGUF file has. */
  MSC_FORMAT_U8 = 256,
  MSC_FORMAT_U32 = 257,
  /** Floats of 8 bits: sign, 4 bits of exponent with bias 7, 3 of mantissa; no infinities (OCP 8-bit floats). */
  MSC_FORMAT_F8_E4M3 = 261,
  /** Unsigned 4-bit integers, two in a byte: the even column in the low bits. */
  MSC_FORMAT_U4 = 263
} msc_format;

/** Arithmetic of an op.
 * REFERENCE: float32 activations and float32 arithmetic on the exact dequantised weights.
 * FAST: the best instructions of the device; activations may be rounded to int8 (per 32 values) or bf16. */
typedef enum msc_precision { MSC_PRECISION_REFERENCE = 0, MSC_PRECISION_FAST = 1 } msc_precision;

/** Copies the calling thread's last error text.
 * @param text UTF-8 output, NUL-terminated when capacity > 0; may be NULL when capacity is 0.
 * @param capacity bytes available at text.
 * @param length receives the full length in bytes without the NUL; may be NULL. */
MSC_API msc_status msc_last_error_copy(char* text, uint64_t capacity, uint64_t* length);

/** Writes MSC_ABI_VERSION as compiled into the library. */
MSC_API msc_status msc_abi_version(uint32_t* version);

/** Copies a one-line description of the library build (version, compiler, options); as msc_last_error_copy. */
MSC_API msc_status msc_build_info_copy(char* text, uint64_t capacity, uint64_t* length);

#ifdef __cplusplus
}
#endif
#endif
