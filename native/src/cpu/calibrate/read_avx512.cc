#include "cpu/calibrate/kernels.h"
#include "cpu/simd/avx512.h"

namespace msc::calibrate {

uint64_t read_avx512(const std::byte* data, size_t bytes) {
  constexpr size_t kStream = kReadBlock / kReadStreams;
  __m512i sums[2 * kReadStreams] = {};
  for (const std::byte* block = data; block < data + bytes; block += kReadBlock) {
    for (size_t i = 0; i < kStream; i += 128) {
      for (size_t s = 0; s < kReadStreams; ++s) {
        const std::byte* lines = block + s * kStream + i;
        sums[2 * s] = _mm512_add_epi64(sums[2 * s], _mm512_load_si512(lines));
        sums[2 * s + 1] = _mm512_add_epi64(sums[2 * s + 1], _mm512_load_si512(lines + 64));
      }
    }
  }
  __m512i total = _mm512_setzero_si512();
  for (const __m512i& sum : sums) {
    total = _mm512_add_epi64(total, sum);
  }
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, total);
  uint64_t result = 0;
  for (const uint64_t lane : lanes) {
    result += lane;
  }
  return result;
}

}  // namespace msc::calibrate
