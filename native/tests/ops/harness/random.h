#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace optest {

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every platform and library.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  explicit Rng(std::string_view name) : state_(0xcbf29ce484222325u) {
    for (const char c : name) {  // FNV-1a
      state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
  }

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// In [low, high].
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }

  std::vector<float> normals(int64_t count, double scale = 1.0) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      value = static_cast<float>(scale * normal());
    }
    return values;
  }

  std::vector<int32_t> integers(int64_t count, int64_t low, int64_t high) {
    std::vector<int32_t> values(static_cast<size_t>(count));
    for (int32_t& value : values) {
      value = static_cast<int32_t>(integer(low, high));
    }
    return values;
  }

 private:
  uint64_t state_;
};

}  // namespace optest
