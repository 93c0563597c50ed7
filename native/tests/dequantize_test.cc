// Every block format against values that gguf-py computed: bit for bit.
#include "cpu/dequantize/dequantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "cpu/dequantize/decoders.h"
#include "moesaic/base.h"

namespace {

using msc::cpu::block_bytes;
using msc::cpu::block_elements;
using msc::cpu::dequantize_row;
using msc::cpu::dequantize_supported;

constexpr struct {
  const char* name;
  int32_t id;
} kFormats[] = {
    {"F16", MSC_FORMAT_F16},         {"BF16", MSC_FORMAT_BF16},     {"Q4_0", MSC_FORMAT_Q4_0},
    {"Q4_1", MSC_FORMAT_Q4_1},       {"Q5_0", MSC_FORMAT_Q5_0},     {"Q5_1", MSC_FORMAT_Q5_1},
    {"Q8_0", MSC_FORMAT_Q8_0},       {"Q2_K", MSC_FORMAT_Q2_K},     {"Q3_K", MSC_FORMAT_Q3_K},
    {"Q4_K", MSC_FORMAT_Q4_K},       {"Q5_K", MSC_FORMAT_Q5_K},     {"Q6_K", MSC_FORMAT_Q6_K},
    {"IQ1_S", MSC_FORMAT_IQ1_S},     {"IQ1_M", MSC_FORMAT_IQ1_M},   {"IQ2_XXS", MSC_FORMAT_IQ2_XXS},
    {"IQ2_XS", MSC_FORMAT_IQ2_XS},   {"IQ2_S", MSC_FORMAT_IQ2_S},   {"IQ3_XXS", MSC_FORMAT_IQ3_XXS},
    {"IQ3_S", MSC_FORMAT_IQ3_S},     {"IQ4_NL", MSC_FORMAT_IQ4_NL}, {"IQ4_XS", MSC_FORMAT_IQ4_XS},
    {"TQ1_0", MSC_FORMAT_TQ1_0},     {"TQ2_0", MSC_FORMAT_TQ2_0},   {"MXFP4", MSC_FORMAT_MXFP4},
    {"NVFP4", MSC_FORMAT_NVFP4},
};

/// Root of the repository: this file is native/tests/dequantize_test.cc.
std::filesystem::path repository() {
  return MSC_REPOSITORY_PATH;
}

/// The tensors of a safetensors file that this project's references come in (compact JSON, no escapes).
class Blocks {
 public:
  explicit Blocks(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(stream), {});
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof(length));
    header_ = std::string_view(bytes_).substr(8, length);
  }

  std::string_view tensor(const std::string& name) const {
    const size_t record = header_.find('"' + name + "\":");
    if (record == std::string_view::npos) return {};
    constexpr std::string_view kKey = "\"data_offsets\":[";
    const char* numbers = header_.data() + header_.find(kKey, record) + kKey.size();
    char* end = nullptr;
    const size_t first = std::strtoull(numbers, &end, 10);
    const size_t last = std::strtoull(end + 1, nullptr, 10);
    return std::string_view(bytes_).substr(8 + header_.size() + first, last - first);
  }

 private:
  std::string bytes_;
  std::string_view header_;
};

void check_all_formats(const std::filesystem::path& path) {
  ASSERT_TRUE(std::filesystem::exists(path)) << path;
  const Blocks file(path);
  for (const auto& format : kFormats) {
    SCOPED_TRACE(format.name);
    const std::string_view blocks = file.tensor(std::string(format.name) + ".blocks");
    const std::string_view values = file.tensor(std::string(format.name) + ".values");
    const size_t count = values.size() / sizeof(float);
    ASSERT_TRUE(dequantize_supported(format.id));
    ASSERT_GT(count, 0u);
    ASSERT_EQ(blocks.size(), count / block_elements(format.id) * block_bytes(format.id));

    // One byte off every alignment; a guard behind the output.
    std::vector<char> shifted(blocks.size() + 1);
    std::memcpy(shifted.data() + 1, blocks.data(), blocks.size());
    std::vector<float> out(count + 1, 123.0f);
    dequantize_row(format.id, shifted.data() + 1, static_cast<int64_t>(count), out.data());
    EXPECT_EQ(out[count], 123.0f);
    for (size_t i = 0; i < count; ++i) {
      float expected;
      std::memcpy(&expected, values.data() + i * sizeof(float), sizeof(float));
      ASSERT_EQ(std::memcmp(&expected, &out[i], sizeof(float)), 0)
          << "element " << i << ": expected " << expected << ", got " << out[i];
    }
  }
}

TEST(Dequantize, CopiedCoreIsBitExact) {
  check_all_formats(repository() / "tests" / "testdata" / "gguf_blocks" / "blocks.safetensors");
}

TEST(Dequantize, FullReferenceIsBitExact) {
  const auto shared = repository().parent_path() / "shared";
  if (!std::filesystem::exists(shared)) GTEST_SKIP() << "the full reference sets (../shared) are not beside this clone";
  check_all_formats(shared / "fixtures_quantised" / "gguf_blocks" / "blocks.safetensors");
}

TEST(Dequantize, AnyBytesAreReadWithinTheTables) {
  // Every number that a block can name has an entry; seen by the sanitizers.
  uint32_t state = 1;
  uint8_t block[256];
  float out[256 + 1];
  for (const auto& format : kFormats) {
    SCOPED_TRACE(format.name);
    const size_t elements = block_elements(format.id);
    ASSERT_LE(block_bytes(format.id), sizeof(block));
    for (int round = 0; round < 2000; ++round) {
      for (uint8_t& byte : block) byte = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
      out[elements] = 123.0f;
      dequantize_row(format.id, block, static_cast<int64_t>(elements), out);
      ASSERT_EQ(out[elements], 123.0f);
    }
  }
}

TEST(Dequantize, HalfIsExactForEveryCode) {
  for (int code = 0; code < 0x10000; ++code) {
    const int exponent = (code >> 10) & 31;
    const int mantissa = code & 1023;
    double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31) magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
    const float actual = msc::cpu::float_from_half(static_cast<uint16_t>(code));
    EXPECT_EQ(std::signbit(actual), (code & 0x8000) != 0) << code;
    if (std::isnan(magnitude)) {
      EXPECT_TRUE(std::isnan(actual)) << code;
    } else {
      EXPECT_EQ(std::fabs(static_cast<double>(actual)), magnitude) << code;
    }
  }
}

TEST(Dequantize, SmallestMxfp4ScalesAreSubnormal) {
  uint8_t block[17] = {0};
  block[1] = 0x02;  // element 0: code 2, twice of 1
  float out[32];
  for (int e = 0; e < 4; ++e) {
    block[0] = static_cast<uint8_t>(e);
    dequantize_row(MSC_FORMAT_MXFP4, block, 32, out);
    EXPECT_EQ(out[0], std::ldexp(1.0f, e - 127));
  }
}

TEST(Dequantize, EveryNvfp4Scale) {
  uint8_t block[36] = {0};
  block[4] = 0x02;  // element 0: code 2, the value 1
  float out[64];
  for (int code = 0; code < 0x7f; ++code) {
    block[0] = static_cast<uint8_t>(code);
    dequantize_row(MSC_FORMAT_NVFP4, block, 64, out);
    const int exponent = code >> 3;
    const int mantissa = code & 7;
    EXPECT_EQ(out[0], exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10)) << code;
  }
  block[0] = 0x7f;
  dequantize_row(MSC_FORMAT_NVFP4, block, 64, out);
  EXPECT_EQ(out[0], 0.0f);
}

TEST(Dequantize, RefusesWhatItCannotRead) {
  float out[32];
  const uint8_t block[64] = {0};
  for (const int32_t format : {4, 9, 15, 41, 255, -1, static_cast<int32_t>(MSC_FORMAT_I32)}) {
    EXPECT_FALSE(dequantize_supported(format)) << format;
    EXPECT_THROW(dequantize_row(format, block, 0, out), msc::Error) << format;
  }
  EXPECT_EQ(block_bytes(9), 0u);
  EXPECT_EQ(block_bytes(MSC_FORMAT_I32), 4u);
  EXPECT_THROW(dequantize_row(MSC_FORMAT_Q4_0, block, 31, out), msc::Error);
  EXPECT_THROW(dequantize_row(MSC_FORMAT_Q4_0, block, -32, out), msc::Error);
  EXPECT_NO_THROW(dequantize_row(MSC_FORMAT_Q4_0, block, 0, out));
}

}  // namespace
