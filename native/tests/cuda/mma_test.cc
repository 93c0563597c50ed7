// Products by a warp against plain ones, whatever way the operands came into registers; and what is caught.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "tests/cuda/layer/array.h"
#include "tests/cuda/layer/cuda_target.h"
#include "tests/cuda/layer/fault.h"
#include "tests/cuda/mma_kernels.h"

namespace {

using cuda_on_cpu::Array;
using cuda_on_cpu::Fault;
using cuda_on_cpu::FaultKind;
using cuda_on_cpu::Turns;
using mma_kernels::Params;
using mma_kernels::Product;

constexpr size_t kRows = 16;
constexpr size_t kCols = 8;
constexpr size_t kBytes = 32;  // of a row of A, of a column of B

double value_of(Product product, const uint8_t* bytes, size_t k) {
  if (product == Product::kS8) {
    return static_cast<int8_t>(bytes[k]);
  }
  if (product == Product::kBf16) {
    return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bytes[2 * k + 1]) << 24 | static_cast<uint32_t>(bytes[2 * k]) << 16));
  }
  const int exponent = bytes[k] >> 3 & 15;
  const double mantissa = (bytes[k] & 7) / 8.0;
  return (bytes[k] & 0x80 ? -1 : 1) * (exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1.0 + mantissa, exponent - 7));
}

/// Codes whose products are exact and sum without rounding, so that the order of sums is not asked for.
std::vector<uint8_t> codes(Product product, size_t count, std::mt19937& random) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i) {
    const auto draw = static_cast<uint32_t>(random());
    if (product == Product::kS8) {
      bytes[i] = static_cast<uint8_t>(draw);
    } else if (product == Product::kE4m3) {
      bytes[i] = static_cast<uint8_t>((draw & 0x8F) | 0x30);
    } else if (i % 2 == 0) {
      const float value = static_cast<float>(static_cast<int>(draw % 255) - 127) / 16.0f;
      const uint16_t bits = msc::cuda::bf16_bits(value);
      std::memcpy(bytes.data() + i, &bits, 2);
    }
  }
  return bytes;
}

class CudaMma : public testing::TestWithParam<Turns> {
 protected:
  void SetUp() override { cuda_on_cpu::set_turns(GetParam()); }
  void TearDown() override { cuda_on_cpu::set_turns(Turns::kForward); }
};

TEST_P(CudaMma, EqualsPlainProduct) {
  std::mt19937 random(11);
  for (const Product product : {Product::kBf16, Product::kS8, Product::kE4m3}) {
    const std::vector<uint8_t> a_bytes = codes(product, kRows * kBytes, random);
    const std::vector<uint8_t> b_bytes = codes(product, kCols * kBytes, random);
    const size_t depth = product == Product::kBf16 ? 16 : 32;
    std::vector<uint32_t> start(kRows * kCols), expected;
    for (size_t i = 0; i < start.size(); ++i) {
      const auto added = static_cast<int32_t>(i) - 64;
      start[i] = product == Product::kS8 ? static_cast<uint32_t>(added) : std::bit_cast<uint32_t>(static_cast<float>(added));
      double sum = added;
      for (size_t k = 0; k < depth; ++k) {
        sum += value_of(product, a_bytes.data() + i / kCols * kBytes, k) * value_of(product, b_bytes.data() + i % kCols * kBytes, k);
      }
      expected.push_back(product == Product::kS8 ? static_cast<uint32_t>(static_cast<int32_t>(sum))
                                                 : std::bit_cast<uint32_t>(static_cast<float>(sum)));
    }
    const Array<uint8_t> a("a", a_bytes);
    const Array<uint8_t> b("b", b_bytes);
    for (const auto launch : {mma_kernels::launch_elementwise, mma_kernels::launch_loaded}) {
      const Array<uint32_t> d("d", start);
      launch({a.data(), b.data(), d.data(), product, 0});
      EXPECT_EQ(expected, d.values()) << static_cast<int>(product);
    }
    if (product != Product::kBf16) {
      continue;
    }
    std::vector<uint8_t> by_rows(kCols * kBytes);
    for (size_t k = 0; k < depth; ++k) {
      for (size_t column = 0; column < kCols; ++column) {
        std::memcpy(by_rows.data() + (k * kCols + column) * 2, b_bytes.data() + column * kBytes + k * 2, 2);
      }
    }
    const Array<uint8_t> rows_of_b("rows of b", by_rows);
    for (const int32_t second : {0, 1}) {
      const Array<uint32_t> d("d", start);
      mma_kernels::launch_transposed({a.data(), rows_of_b.data(), d.data(), product, second});
      EXPECT_EQ(expected, d.values()) << "transposed";
    }
  }
}

TEST_P(CudaMma, IntegerSumsWrap) {
  const Array<uint8_t> a("a", std::vector<uint8_t>(kRows * kBytes, 127));
  const Array<uint8_t> b("b", std::vector<uint8_t>(kCols * kBytes, 127));
  const Array<uint32_t> d("d", std::vector<uint32_t>(kRows * kCols, 0x7FFFFFFF));
  mma_kernels::launch_loaded({a.data(), b.data(), d.data(), Product::kS8, 0});
  EXPECT_EQ(std::vector<uint32_t>(kRows * kCols, 0x7FFFFFFFu + 32 * 127 * 127), d.values());
}

TEST_P(CudaMma, BrokenKernels) {
  const Array<uint8_t> a("a", std::vector<uint8_t>(kRows * kBytes));
  const Array<uint8_t> b("b", std::vector<uint8_t>(kCols * kBytes));
  const Array<uint32_t> d("d", std::vector<uint32_t>(kRows * kCols));
  const auto expect_fault = [&](int32_t fault, FaultKind kind, const char* part) {
    try {
      mma_kernels::launch_loaded({a.data(), b.data(), d.data(), Product::kBf16, fault});
      ADD_FAILURE() << "not caught: " << fault;
    } catch (const Fault& found) {
      EXPECT_EQ(static_cast<int>(kind), static_cast<int>(found.kind())) << found.what();
      EXPECT_NE(std::string::npos, std::string(found.what()).find(part)) << found.what();
    }
  };
  expect_fault(1, FaultKind::kBounds, "no multiple of 16");
  expect_fault(2, FaultKind::kBounds, "does not lie in shared memory");
  expect_fault(3, FaultKind::kBarrier, "names lane 9 that does not exist or has left");
  expect_fault(4, FaultKind::kBarrier, "waits in mma_bf16_16x8x16");
  expect_fault(5, FaultKind::kUninitialised, "shared memory of line");  // some lanes write after others load
  expect_fault(6, FaultKind::kBounds, "does not lie in shared memory");
  expect_fault(7, FaultKind::kUninitialised, "shared memory of line");
  expect_fault(9, FaultKind::kRace, "writes byte 0 of 'shared memory");
  expect_fault(8, FaultKind::kBarrier, "waits in mma_s8_16x8x32");
}

INSTANTIATE_TEST_SUITE_P(Turns, CudaMma, testing::Values(Turns::kForward, Turns::kBackward),
                         [](const auto& info) { return info.param == Turns::kForward ? "Forward" : "Backward"; });

}  // namespace
