// The layer catches each class of error in a kernel that is broken on purpose, and lets the right kernel pass.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/cuda/layer/array.h"
#include "tests/cuda/layer/cuda_target.h"
#include "tests/cuda/layer/fault.h"
#include "tests/cuda/small_kernels.h"

namespace {

using cuda_on_cpu::Array;
using cuda_on_cpu::Fault;
using cuda_on_cpu::FaultKind;
using cuda_on_cpu::Turns;
using small_kernels::Params;

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i);
  }
  return values;
}

/// In both orders of turns: what is caught must not depend on who runs first.
class CudaLayer : public testing::TestWithParam<Turns> {
 protected:
  void SetUp() override { cuda_on_cpu::set_turns(GetParam()); }
  void TearDown() override { cuda_on_cpu::set_turns(Turns::kForward); }

  static void expect_fault(FaultKind kind, const char* part, const std::function<void()>& launch) {
    try {
      launch();
      ADD_FAILURE() << "not caught; expected: " << part;
    } catch (const Fault& fault) {
      EXPECT_EQ(static_cast<int>(kind), static_cast<int>(fault.kind())) << fault.what();
      EXPECT_NE(std::string::npos, std::string(fault.what()).find(part)) << fault.what();
    }
  }
};

TEST_P(CudaLayer, BlockSum) {
  const Array<float> in("in", ramp(192));
  const Array<float> out("out", 3);
  const uint64_t before = cuda_on_cpu::finished_threads("block_sum_kernel");
  const auto run = [&](int32_t fault) { small_kernels::launch_block_sum({out.data(), in.data(), 3, fault}, 3); };
  run(0);
  EXPECT_EQ((std::vector<float>{2016, 6112, 10208}), out.values());
  EXPECT_EQ(before + 192, cuda_on_cpu::finished_threads("block_sum_kernel"));

  expect_fault(FaultKind::kBarrier, "waits for its block", [&] { run(2); });
  expect_fault(FaultKind::kBounds, "shared memory of line", [&] { run(3); });
  expect_fault(FaultKind::kBounds, "'in'", [&] { run(4); });
  expect_fault(FaultKind::kUninitialised, "byte 68 of 'shared memory", [&] { run(5); });
  expect_fault(FaultKind::kRace, "writes byte 16 of 'shared memory", [&] { run(6); });
  expect_fault(FaultKind::kBarrier, "has left the kernel", [&] { run(7); });
  expect_fault(FaultKind::kBarrier, "waits for its block", [&] { run(8); });
  expect_fault(FaultKind::kBounds, "writes 4 bytes", [&] { run(9); });
  run(0);
  EXPECT_EQ((std::vector<float>{2016, 6112, 10208}), out.values()) << "after faults";
}

TEST_P(CudaLayer, MissingBarrier) {
  const Array<float> in("in", ramp(64));
  const Array<float> out("out", 1);
  const auto run = [&] { small_kernels::launch_block_sum({out.data(), in.data(), 1, 1}, 1); };
  if (GetParam() == Turns::kForward) {
    // Thread 0 reads before the others have written.
    expect_fault(FaultKind::kUninitialised, "shared memory of line", run);
  } else {
    expect_fault(FaultKind::kRace, "with no barrier between", run);
  }
}

TEST_P(CudaLayer, WarpPass) {
  const Array<float> in("in", ramp(64));
  const Array<float> out("out", 64);
  const auto run = [&](int32_t fault) { small_kernels::launch_warp_pass({out.data(), in.data(), 64, fault}); };
  run(0);
  for (size_t t = 0; t < 64; ++t) {
    EXPECT_EQ((t < 32 ? 496.0f : 1520.0f) + static_cast<float>((t % 32 + 1) % 32), out.values()[t]);
  }
  expect_fault(FaultKind::kUninitialised, "dynamic shared memory", [&] { run(1); });
  expect_fault(FaultKind::kRace, "dynamic shared memory", [&] { run(6); });
  expect_fault(FaultKind::kBarrier, "names lane", [&] { run(2); });
  expect_fault(FaultKind::kUninitialised, "which its mask does not name", [&] { run(3); });
  expect_fault(FaultKind::kBarrier, "waits in __shfl_xor_sync", [&] { run(4); });
  expect_fault(FaultKind::kLimit, "was launched with none", [&] { run(5); });
}

TEST_P(CudaLayer, AsynchronousCopies) {
  const Array<float> in("in", ramp(256));
  const Array<float> out("out", 256);
  const auto run = [&](int32_t fault) { small_kernels::launch_copy({out.data(), in.data(), 256, fault}); };
  run(0);
  EXPECT_EQ(in.values(), out.values());
  expect_fault(FaultKind::kUninitialised, "reads", [&] { run(1); });
  expect_fault(FaultKind::kUninitialised, "reads", [&] { run(2); });
  expect_fault(FaultKind::kUninitialised, "reads", [&] { run(3); });
  expect_fault(FaultKind::kBarrier, "copies in flight", [&] { run(4); });
  expect_fault(FaultKind::kBounds, "no multiple of 16", [&] { run(5); });
}

TEST_P(CudaLayer, Atomics) {
  const Array<float> in("in", ramp(50));
  Array<float> out("out", 1);
  const auto run = [&](int32_t fault) { small_kernels::launch_count({out.data(), in.data(), 50, fault}); };
  expect_fault(FaultKind::kUninitialised, "changes atomically", [&] { run(0); });
  *out.data() = 0.0f;
  out.set_written();
  run(0);
  EXPECT_EQ(49.0f, out.values()[0]);
  run(0);
  EXPECT_EQ(98.0f, out.values()[0]) << "launches are ordered";
  expect_fault(FaultKind::kRace, "'out'", [&] { run(1); });
  expect_fault(FaultKind::kRace, "'out'", [&] { run(2); });
}

TEST_P(CudaLayer, WideAccesses) {
  const Array<float> in("in", ramp(12));
  const Array<float> out("out", 8);
  small_kernels::launch_wide({out.data(), in.data(), 8, 0});
  EXPECT_EQ(ramp(8), out.values());
  expect_fault(FaultKind::kBounds, "no multiple of 16", [&] { small_kernels::launch_wide({out.data(), in.data(), 8, 1}); });
}

TEST_P(CudaLayer, Lanes) {
  const Array<float> in("in", ramp(32));
  const Array<float> out("out", 192);
  small_kernels::launch_lanes({out.data(), in.data(), 32, 0});
  const std::vector<float> result = out.values();
  for (unsigned lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(static_cast<float>((lane + 3) % 32), result[lane]);
    EXPECT_EQ(static_cast<float>(lane % 8 < 2 ? lane : lane - 2), result[32 + lane]);
    EXPECT_EQ(static_cast<float>(lane % 16 + 3 < 16 ? lane + 3 : lane), result[64 + lane]);
    EXPECT_EQ(static_cast<float>(lane ^ 1), result[96 + lane]);
    EXPECT_EQ(lane % 5 == 0 ? 1.0f : 0.0f, result[128 + lane]);
    EXPECT_EQ(1.0f, result[160 + lane]);
  }
}

TEST_P(CudaLayer, Limits) {
  const Array<float> out("out", 1);
  expect_fault(FaultKind::kLimit, "bytes of shared memory", [&] { small_kernels::launch_too_large({out.data(), nullptr, 0, 0}); });
  expect_fault(FaultKind::kLimit, "no device takes", [&] { small_kernels::launch_too_large({out.data(), nullptr, 0, 1}); });
}

INSTANTIATE_TEST_SUITE_P(Turns, CudaLayer, testing::Values(Turns::kForward, Turns::kBackward),
                         [](const auto& info) { return info.param == Turns::kForward ? "Forward" : "Backward"; });

/// Every code of the 8-bit float but NaN, and the middles between them.
TEST(CudaLayerFormats, Float8) {
  const auto value = [](int code) {
    const int exponent = code >> 3 & 15;
    const float mantissa = static_cast<float>(code & 7) / 8.0f;
    return exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1.0f + mantissa, exponent - 7);
  };
  for (int code = 0; code < 0x7F; ++code) {
    EXPECT_EQ(code, msc::cuda::f8_e4m3_bits(value(code)));
    EXPECT_EQ(code | 0x80, msc::cuda::f8_e4m3_bits(-value(code)));
    if (code < 0x7E) {
      EXPECT_EQ(code % 2 == 0 ? code : code + 1, msc::cuda::f8_e4m3_bits((value(code) + value(code + 1)) / 2));
    }
  }
  EXPECT_EQ(0x7E, msc::cuda::f8_e4m3_bits(1e9f));
  EXPECT_EQ(0x7F, msc::cuda::f8_e4m3_bits(std::nanf("")));
}

}  // namespace
