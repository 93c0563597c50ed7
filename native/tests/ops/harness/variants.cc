#include "tests/ops/harness/variants.h"

#include <map>
#include <stdexcept>
#include <utility>

#include "tests/ops/harness/compare.h"

namespace optest {
namespace {

constexpr uint32_t kAvx2 = MSC_CPU_FEATURE_AVX2 | MSC_CPU_FEATURE_FMA | MSC_CPU_FEATURE_F16C;
constexpr uint32_t kAvx512 = kAvx2 | MSC_CPU_FEATURE_AVX512;
constexpr uint32_t kVnni512 = MSC_CPU_FEATURE_AVX512_VNNI;
constexpr uint32_t kBf16 = MSC_CPU_FEATURE_AVX512_BF16;
constexpr uint32_t kVnni256 = MSC_CPU_FEATURE_AVX_VNNI;

constexpr Variant kVariants[] = {
    {"portable", MSC_ISA_PORTABLE, 0, 0},
    {"avx2", MSC_ISA_AVX2, kAvx2, kVnni256},
    {"avx2_vnni", MSC_ISA_AVX2, kAvx2 | kVnni256, 0},
    {"avx512", MSC_ISA_AVX512, kAvx512, kVnni256 | kVnni512 | kBf16},
    {"avx512_vnni", MSC_ISA_AVX512, kAvx512 | kVnni512, kBf16},
    {"avx512_vnni_bf16", MSC_ISA_AVX512, kAvx512 | kVnni512 | kBf16, 0},
};

std::map<std::pair<const Variant*, uint32_t>, msc_device*>& devices() {
  static std::map<std::pair<const Variant*, uint32_t>, msc_device*> instance;
  return instance;
}

}  // namespace

std::span<const Variant> all_variants() { return kVariants; }

bool is_available(const Variant& variant) {
  msc_cpu_info info = {};
  info.struct_size = sizeof(info);
  if (msc_cpu_query(&info) != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
  return (info.features & variant.required_features) == variant.required_features;
}

msc_device* device_of(const Variant& variant, uint32_t num_threads) {
  msc_device*& device = devices()[{&variant, num_threads}];
  if (device == nullptr) {
    msc_device_options options = {};
    options.struct_size = sizeof(options);
    options.backend = MSC_BACKEND_CPU;
    options.isa = variant.isa;
    options.disabled_features = variant.disabled_features;
    options.num_threads = num_threads;
    options.spin_microseconds = UINT32_MAX;
    if (msc_device_create(&options, &device) != MSC_STATUS_OK) {
      throw std::runtime_error(last_error_text());
    }
  }
  return device;
}

std::string destroy_devices() {
  std::string problems;
  for (const auto& [key, device] : devices()) {
    if (msc_device_destroy(device) != MSC_STATUS_OK) {
      problems += std::string(key.first->name) + ": " + last_error_text() + "\n";
    }
  }
  devices().clear();
  return problems;
}

}  // namespace optest
