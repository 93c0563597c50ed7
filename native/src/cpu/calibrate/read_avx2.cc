#include "cpu/calibrate/kernels.h"
#include "cpu/simd/avx2.h"

namespace msc::calibrate {

uint64_t read_avx2(const std::byte* data, size_t bytes) {
  constexpr size_t kStream = kReadBlock / kReadStreams;
  __m256i sums[2 * kReadStreams] = {};
  for (const std::byte* block = data; block < data + bytes; block += kReadBlock) {
    for (size_t i = 0; i < kStream; i += 64) {
      for (size_t s = 0; s < kReadStreams; ++s) {
        const auto* line = reinterpret_cast<const __m256i*>(block + s * kStream + i);
        sums[2 * s] = _mm256_add_epi64(sums[2 * s], _mm256_load_si256(line));
        sums[2 * s + 1] = _mm256_add_epi64(sums[2 * s + 1], _mm256_load_si256(line + 1));
      }
    }
  }
  __m256i total = _mm256_setzero_si256();
  for (const __m256i& sum : sums) {
    total = _mm256_add_epi64(total, sum);
  }
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), total);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

}  // namespace msc::calibrate
