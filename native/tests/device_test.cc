#include "moesaic/device.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

#include "core/cpu_features.h"
#include "core/device.h"
#include "tests/support/handles.h"

namespace {

using msc::test::Device;

msc_device_info query(const Device& device) {
  msc_device_info info = {};
  info.struct_size = sizeof(info);
  msc::test::check(msc_device_query(device.get(), &info));
  return info;
}

TEST(Cpu, IsDetectedConsistently) {
  const msc_cpu_info info = msc::test::cpu();
  EXPECT_GE(info.usable_processors, 1u);
  EXPECT_GT(info.memory_bytes, uint64_t{1} << 20);
  EXPECT_NE('\0', info.name[0]);
#if defined(__x86_64__) && !defined(MSC_EMULATE_AVX512)
  // The compiler's own detection is an independent witness.
  __builtin_cpu_init();
  const auto has = [&](uint32_t feature) { return (info.features & feature) != 0; };
  EXPECT_EQ(__builtin_cpu_supports("avx2") != 0, has(MSC_CPU_FEATURE_AVX2));
  EXPECT_EQ(__builtin_cpu_supports("fma") != 0, has(MSC_CPU_FEATURE_FMA));
  EXPECT_EQ(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"),
            has(MSC_CPU_FEATURE_AVX512));
  EXPECT_EQ(__builtin_cpu_supports("avx512vnni") != 0, has(MSC_CPU_FEATURE_AVX512_VNNI));
  EXPECT_EQ(__builtin_cpu_supports("avx512bf16") != 0, has(MSC_CPU_FEATURE_AVX512_BF16));
#endif
}

TEST(Cpu, AnIsaUsesItsOwnFeaturesOnly) {
  constexpr uint32_t kAll = 127;
  EXPECT_EQ(0u, msc::features_of_isa(kAll, MSC_ISA_PORTABLE));
  EXPECT_EQ(static_cast<uint32_t>(MSC_CPU_FEATURE_AVX2 | MSC_CPU_FEATURE_FMA | MSC_CPU_FEATURE_F16C |
                                  MSC_CPU_FEATURE_AVX_VNNI),
            msc::features_of_isa(kAll, MSC_ISA_AVX2));
  EXPECT_EQ(kAll, msc::features_of_isa(kAll, MSC_ISA_AVX512));
  EXPECT_EQ(static_cast<uint32_t>(MSC_CPU_FEATURE_AVX2), msc::features_of_isa(MSC_CPU_FEATURE_AVX2, MSC_ISA_AVX512));
}

TEST(Device, EveryLevelOfThisMachineCanBeForced) {
  for (int32_t isa = MSC_ISA_PORTABLE; isa <= msc::test::cpu().best_isa; ++isa) {
    const Device device({.isa = isa, .num_threads = 2});
    const msc_device_info info = query(device);
    EXPECT_EQ(isa, info.isa);
    EXPECT_EQ(2u, info.num_threads);
    EXPECT_EQ(isa == MSC_ISA_AVX512 ? 16u : 8u, info.row_group);
    EXPECT_EQ(msc::features_of_isa(msc::test::cpu().features, isa), info.features);
  }
}

TEST(Device, TakesTheBestByDefault) {
  const Device device;
  EXPECT_EQ(msc::test::cpu().best_isa, query(device).isa);
  EXPECT_EQ(msc::test::cpu().usable_processors, query(device).num_threads);
}

TEST(Device, LeavesDisabledFeaturesUnused) {
  constexpr uint32_t kOptional = MSC_CPU_FEATURE_AVX_VNNI | MSC_CPU_FEATURE_AVX512_VNNI | MSC_CPU_FEATURE_AVX512_BF16;
  const Device device({.num_threads = 1, .disabled_features = kOptional});
  EXPECT_EQ(0u, query(device).features & kOptional);
}

TEST(Device, RefusesWrongOptions) {
  const auto refused = [](const std::function<void(msc_device_options&)>& change) {
    msc_device_options options = msc::test::to_c({});
    change(options);
    msc_device* device = nullptr;
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_device_create(&options, &device)) << msc::test::last_error();
    EXPECT_EQ(nullptr, device);
  };
  refused([](auto& o) { o.struct_size = 4; });
  refused([](auto& o) { o.backend = 0; });
  refused([](auto& o) { o.backend = 3; });
  refused([](auto& o) { o.backend = MSC_BACKEND_CUDA, o.isa = MSC_ISA_PORTABLE; });
  refused([](auto& o) { o.backend = MSC_BACKEND_CUDA, o.disabled_features = MSC_CPU_FEATURE_AVX_VNNI; });
  refused([](auto& o) { o.backend = MSC_BACKEND_CUDA, o.num_threads = 2; });
  refused([](auto& o) { o.backend = MSC_BACKEND_CUDA, o.pin_threads = 1; });
  refused([](auto& o) { o.ordinal = 1; });
  refused([](auto& o) { o.isa = 4; });
  refused([](auto& o) { o.isa = -1; });
  if (msc::test::cpu().best_isa < MSC_ISA_AVX512) {
    refused([](auto& o) { o.isa = MSC_ISA_AVX512; });
  }
  refused([](auto& o) { o.disabled_features = MSC_CPU_FEATURE_AVX2; });
  refused([](auto& o) { o.disabled_features = 1u << 31; });
  refused([](auto& o) { o.num_threads = 100000; });
  refused([](auto& o) { o.pin_threads = 2; });
}

TEST(Device, OutlivesItsObjects) {
  const msc_device_options options = msc::test::to_c({.num_threads = 1});
  msc_device* device = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_device_create(&options, &device));
  msc_stream* stream = nullptr;
  msc_event* event = nullptr;
  msc_buffer* buffer = nullptr;
  const std::function<msc_status()> destroyers[] = {[&] { return msc_stream_destroy(stream); },
                                                    [&] { return msc_event_destroy(event); },
                                                    [&] { return msc_buffer_destroy(buffer); }};
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_create(device, &stream));
  ASSERT_EQ(MSC_STATUS_OK, msc_event_create(device, &event));
  ASSERT_EQ(MSC_STATUS_OK, msc_buffer_create(device, 10, &buffer));
  for (const auto& destroy : destroyers) {
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_device_destroy(device));
    EXPECT_NE(msc::test::last_error().find("still exist"), std::string::npos);
    EXPECT_EQ(MSC_STATUS_OK, destroy());
  }
  EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device));
}

TEST(Event, IsDoneOnceRecorded) {
  const Device device({.num_threads = 1});
  const Device other({.num_threads = 1});
  msc_event* event = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_event_create(device.get(), &event));
  int32_t done = -1;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_event_query(event, &done)) << "never recorded";
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_event_record(event, other.stream()));
  EXPECT_EQ(MSC_STATUS_OK, msc_event_record(event, device.stream()));
  EXPECT_EQ(MSC_STATUS_OK, msc_event_query(event, &done));
  EXPECT_EQ(1, done);
  EXPECT_EQ(MSC_STATUS_OK, msc_event_destroy(event));
}

TEST(Buffer, IsZeroedAndAligned) {
  const Device device({.num_threads = 1});
  for (const uint64_t size : {uint64_t{1}, uint64_t{63}, uint64_t{4096}, (uint64_t{2} << 20) + 5, uint64_t{5} << 20}) {
    msc_buffer* buffer = nullptr;
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_create(device.get(), size, &buffer));
    void* address = nullptr;
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_host_pointer(buffer, &address));
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(address) % 64);
    std::vector<char> content(size, 'x');
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_download(device.stream(), buffer, 0, content.data(), size));
    EXPECT_EQ(std::vector<char>(size, 0), content);
    std::memset(address, 1, size);  // under AddressSanitizer: all of it may be written
    ASSERT_EQ(MSC_STATUS_OK, msc_buffer_destroy(buffer));
  }
}

TEST(Buffer, RefusesImpossibleSizes) {
  const Device device({.num_threads = 1});
  msc_buffer* buffer = nullptr;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_buffer_create(device.get(), 0, &buffer));
  for (const uint64_t size : {UINT64_MAX, UINT64_MAX / 2, uint64_t{1} << 60}) {
    EXPECT_EQ(MSC_STATUS_OUT_OF_RESOURCE, msc_buffer_create(device.get(), size, &buffer)) << size;
  }
  EXPECT_EQ(nullptr, buffer);
}

TEST(Stream, ScratchGrowsAndIsKept) {
  const Device device({.num_threads = 1});
  std::byte* first = device.stream()->scratch(1000);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(first) % 64);
  EXPECT_EQ(first, device.stream()->scratch(1));
  EXPECT_EQ(first, device.stream()->scratch(1000));
  std::memset(device.stream()->scratch(100000), 1, 100000);
}

}  // namespace
