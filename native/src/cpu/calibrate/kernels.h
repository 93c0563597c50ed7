#pragma once

#include <cstddef>
#include <cstdint>

// Loops that run at a limit of the machine. Results are returned so that no compiler drops the work.
namespace msc::calibrate {

/// Bytes that a read kernel takes at a time, in kReadStreams sequential streams: measured best on Zen 3 of 1 to 8 streams
/// of 1 KiB to whole buffers; software prefetch made it slower.
inline constexpr size_t kReadBlock = size_t{1} << 20;
inline constexpr size_t kReadStreams = 4;

/// Reads `bytes` (a multiple of kReadBlock) at `data` (64-byte aligned) once, with ordinary loads.
using ReadKernel = uint64_t (*)(const std::byte* data, size_t bytes);

uint64_t read_portable(const std::byte* data, size_t bytes);
uint64_t read_avx2(const std::byte* data, size_t bytes);
uint64_t read_avx512(const std::byte* data, size_t bytes);

/// Repeats its block of arithmetic, in registers, `iterations` times.
using PeakKernel = uint32_t (*)(int64_t iterations);

/// A kernel and the operations of one iteration, a multiply-add counting as two.
struct Peak {
  PeakKernel kernel;
  double operations;
};

extern const Peak kInt8Portable;
extern const Peak kInt8Avx2;
extern const Peak kInt8AvxVnni;
extern const Peak kInt8Avx512;
extern const Peak kInt8Avx512Vnni;
extern const Peak kBf16Avx512;
extern const Peak kF32Portable;
extern const Peak kF32Avx2;
extern const Peak kF32Avx512;

}  // namespace msc::calibrate
