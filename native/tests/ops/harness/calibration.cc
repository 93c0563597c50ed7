#include "tests/ops/harness/calibration.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "moesaic/calibrate.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/variants.h"

namespace optest {
namespace {

#if defined(__x86_64__)
/// The clock, from a chain of dependent multiplications: 3 cycles each on Intel since Nehalem and on every Zen.
void print_clock(double seconds) {
  constexpr int64_t kCount = 1 << 20;
  std::vector<double> rates;
  const auto begin = std::chrono::steady_clock::now();
  const auto since = [](auto start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  while (since(begin) < seconds || rates.size() < 5) {
    uint64_t value = 3;
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < kCount; ++i) {
      __asm__ volatile("imul %0, %0" : "+r"(value));
    }
    rates.push_back(3.0 * kCount / since(start));
  }
  std::sort(rates.begin(), rates.end());
  std::printf("- 1 clock %.3f %.3f\n", rates[rates.size() / 2] * 1e-9, rates.back() * 1e-9);
}
#else
void print_clock(double) {}
#endif

void print(const Variant& variant, uint32_t num_threads, const char* name, msc_status status,
           const msc_calibration& result) {
  if (status != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
  std::printf("%s %u %s %.3f %.3f\n", variant.name, num_threads, name, result.median * 1e-9, result.maximum * 1e-9);
}

}  // namespace

void print_calibration(const std::string& only_variant, uint32_t num_threads, double seconds) {
  msc_cpu_info info = {};
  info.struct_size = sizeof(info);
  msc_cpu_query(&info);
  const uint64_t bytes = std::max<uint64_t>(4 * info.l3_bytes, uint64_t{512} << 20);
  num_threads = num_threads == 0 ? info.usable_processors : num_threads;
  print_clock(seconds);
  for (const Variant& variant : all_variants()) {
    if (!is_available(variant) || (!only_variant.empty() && only_variant != variant.name)) {
      continue;
    }
    msc_stream* stream = nullptr;
    if (msc_stream_create(device_of(variant, num_threads), &stream) != MSC_STATUS_OK) {
      throw std::runtime_error(last_error_text());
    }
    msc_calibration result = {};
    result.struct_size = sizeof(result);
    print(variant, num_threads, "read_bandwidth", msc_calibrate_read_bandwidth(stream, bytes, seconds, &result),
          result);
    print(variant, num_threads, "int8_dot", msc_calibrate_peak(stream, MSC_PEAK_INT8_DOT, seconds, &result), result);
    print(variant, num_threads, "f32_fma", msc_calibrate_peak(stream, MSC_PEAK_F32_FMA, seconds, &result), result);
    if ((variant.required_features & MSC_CPU_FEATURE_AVX512_BF16) != 0) {
      print(variant, num_threads, "bf16_dot", msc_calibrate_peak(stream, MSC_PEAK_BF16_DOT, seconds, &result), result);
    }
    msc_stream_destroy(stream);
  }
}

}  // namespace optest
