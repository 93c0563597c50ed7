#include <cstring>

#include "cpu/calibrate/kernels.h"

namespace msc::calibrate {

uint64_t read_portable(const std::byte* data, size_t bytes) {
  constexpr size_t kStream = kReadBlock / kReadStreams;
  constexpr size_t kWords = 4;  // sums of all streams fit 16 registers of 16 bytes
  uint64_t sums[kReadStreams][kWords] = {};
  for (const std::byte* block = data; block < data + bytes; block += kReadBlock) {
    for (size_t i = 0; i < kStream; i += sizeof(sums[0])) {
      for (size_t s = 0; s < kReadStreams; ++s) {
        uint64_t words[kWords];
        std::memcpy(words, block + s * kStream + i, sizeof(words));
        for (size_t j = 0; j < kWords; ++j) {
          sums[s][j] += words[j];
        }
      }
    }
  }
  uint64_t total = 0;
  for (const auto& stream : sums) {
    for (const uint64_t sum : stream) {
      total += sum;
    }
  }
  return total;
}

}  // namespace msc::calibrate
