// The functions that the emulate preset puts in place of AVX-512, VNNI and BF16 intrinsics, on edge values, against
// plain statements of what Intel's Software Developer's Manual (volume 2) says.
#include <bit>
#include <cmath>
#include <limits>

#include "cpu/simd/avx2.h"
#include "cpu/simd/avx512.h"
#include "tests/simd/lane_check.h"

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const std::vector<int32_t> kInt32 = {0,   1,     -1,    127,    128,    -128,  -129,  255,       256,
                                     257, 32767, 32768, -32768, -32769, 65535, 65536, INT32_MAX, INT32_MIN};
const std::vector<uint32_t> kUint32 = {0, 1, 127, 128, 255, 256, 65535, 65536, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu};
const std::vector<int16_t> kInt16 = {0, 1, -1, 127, 128, -128, -129, 255, 256, -256, 32767, -32768};
const std::vector<uint16_t> kUint16 = {0, 1, 127, 128, 255, 256, 32767, 32768, 65535};
const std::vector<int8_t> kInt8 = {0, 1, -1, 2, 126, 127, -127, -128};
const std::vector<uint8_t> kUint8 = {0, 1, 2, 127, 128, 254, 255};
const std::vector<float> kFloat = {0.0f,           -0.0f,          0.5f,  -0.5f, 1.5f,   2.5f,          -2.5f,
                                   1e-40f,         127.5f,         -1e9f, 1e30f, -1e30f, 2147483520.0f, 2147483648.0f,
                                   -2147483648.0f, -2147483904.0f, kInf,  -kInf, kNan};

class Avx512Intrinsics : public testing::Test {
 protected:
  void SetUp() override {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
      GTEST_SKIP() << "instruction set not on this machine";
    }
  }
};

#define CHECK_CONVERT(to, to_vector, from, from_vector, values, name) \
  check_map<to, to_vector, from, from_vector>(                        \
      values, [](auto v) { return name(v); }, [](from x) { return static_cast<to>(x); }, #name)

TEST_F(Avx512Intrinsics, Widen) {
  CHECK_CONVERT(int16_t, __m512i, int8_t, __m256i, kInt8, _mm512_cvtepi8_epi16);
  CHECK_CONVERT(uint16_t, __m512i, uint8_t, __m256i, kUint8, _mm512_cvtepu8_epi16);
  CHECK_CONVERT(int32_t, __m512i, int8_t, __m128i, kInt8, _mm512_cvtepi8_epi32);
  CHECK_CONVERT(uint32_t, __m512i, uint8_t, __m128i, kUint8, _mm512_cvtepu8_epi32);
  CHECK_CONVERT(int32_t, __m512i, int16_t, __m256i, kInt16, _mm512_cvtepi16_epi32);
  CHECK_CONVERT(uint32_t, __m512i, uint16_t, __m256i, kUint16, _mm512_cvtepu16_epi32);
  CHECK_CONVERT(int64_t, __m512i, int32_t, __m256i, kInt32, _mm512_cvtepi32_epi64);
  CHECK_CONVERT(uint64_t, __m512i, uint32_t, __m256i, kUint32, _mm512_cvtepu32_epi64);
}

TEST_F(Avx512Intrinsics, NarrowByCuttingOff) {
  CHECK_CONVERT(int16_t, __m256i, int32_t, __m512i, kInt32, _mm512_cvtepi32_epi16);
  CHECK_CONVERT(int8_t, __m128i, int32_t, __m512i, kInt32, _mm512_cvtepi32_epi8);
  CHECK_CONVERT(int8_t, __m256i, int16_t, __m512i, kInt16, _mm512_cvtepi16_epi8);
  CHECK_CONVERT(int16_t, __m128i, int32_t, __m256i, kInt32, _mm256_cvtepi32_epi16);
  CHECK_CONVERT(int8_t, __m128i, int32_t, __m256i, kInt32, _mm256_cvtepi32_epi8);
  CHECK_CONVERT(int8_t, __m128i, int16_t, __m256i, kInt16, _mm256_cvtepi16_epi8);
}

#define CHECK_SATURATE(to, to_vector, from, from_vector, values, name)          \
  check_map<to, to_vector, from, from_vector>(                                  \
      values, [](auto v) { return name(v); },                                   \
      [](from x) {                                                              \
        const auto low = static_cast<int64_t>(std::numeric_limits<to>::min());  \
        const auto high = static_cast<int64_t>(std::numeric_limits<to>::max()); \
        const auto wide = static_cast<int64_t>(x);                              \
        return static_cast<to>(wide < low ? low : wide > high ? high : wide);   \
      },                                                                        \
      #name)

TEST_F(Avx512Intrinsics, NarrowBySaturation) {
  CHECK_SATURATE(int8_t, __m128i, int32_t, __m512i, kInt32, _mm512_cvtsepi32_epi8);
  CHECK_SATURATE(uint8_t, __m128i, uint32_t, __m512i, kUint32, _mm512_cvtusepi32_epi8);
  CHECK_SATURATE(int16_t, __m256i, int32_t, __m512i, kInt32, _mm512_cvtsepi32_epi16);
  CHECK_SATURATE(int8_t, __m256i, int16_t, __m512i, kInt16, _mm512_cvtsepi16_epi8);
  CHECK_SATURATE(int8_t, __m128i, int32_t, __m256i, kInt32, _mm256_cvtsepi32_epi8);
  CHECK_SATURATE(int8_t, __m128i, int16_t, __m256i, kInt16, _mm256_cvtsepi16_epi8);
}

TEST_F(Avx512Intrinsics, FloatsAndIntegers) {
  CHECK_CONVERT(float, __m512, int32_t, __m512i, kInt32, _mm512_cvtepi32_ps);
  CHECK_CONVERT(float, __m512, uint32_t, __m512i, kUint32, _mm512_cvtepu32_ps);
  CHECK_CONVERT(double, __m512d, int32_t, __m256i, kInt32, _mm512_cvtepi32_pd);
  CHECK_CONVERT(double, __m512d, float, __m256, kFloat, _mm512_cvtps_pd);
  const std::vector<double> doubles = {0.0, -0.0, 1.0 / 3, 1 + 0x1p-24, 1 + 0x3p-24, 1e300, -1e300, 1e-300, HUGE_VAL};
  CHECK_CONVERT(float, __m256, double, __m512d, doubles, _mm512_cvtpd_ps);
  // Out of range and NaN: the integer indefinite value.
  const auto indefinite = [](double x) {
    return x >= -2147483648.0 && x < 2147483648.0 ? static_cast<int32_t>(x) : INT32_MIN;
  };
  const auto even = [](float x) {
    const double floor = std::floor(static_cast<double>(x)), rest = static_cast<double>(x) - floor;
    return rest < 0.5 || (rest == 0.5 && std::fmod(floor, 2) == 0) ? floor : floor + 1;
  };
  check_map<int32_t, __m512i, float, __m512>(
      kFloat, [](auto v) { return _mm512_cvtps_epi32(v); }, [&](float x) { return indefinite(even(x)); },
      "_mm512_cvtps_epi32");
  check_map<int32_t, __m512i, float, __m512>(
      kFloat, [](auto v) { return _mm512_cvttps_epi32(v); },
      [&](float x) { return indefinite(std::trunc(static_cast<double>(x))); }, "_mm512_cvttps_epi32");
}

TEST_F(Avx512Intrinsics, Halves) {
  // Bits and values: subnormal, smallest normal, ties to even, largest, infinity.
  const std::vector<uint16_t> bits = {0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00,
                                      0xC000, 0x3555, 0x7BFF, 0xFBFF, 0x7C00};
  const auto value = [](uint16_t h) {
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double size = exponent == 31  ? HUGE_VAL
                        : exponent == 0 ? mantissa * 0x1p-24
                                        : (1024 + mantissa) * std::ldexp(1.0, exponent - 25);
    return static_cast<float>(h & 0x8000 ? -size : size);
  };
  check_map<float, __m512, uint16_t, __m256i>(
      bits, [](auto v) { return _mm512_cvtph_ps(v); }, value, "_mm512_cvtph_ps");
  std::vector<float> floats;
  for (const uint16_t h : bits) {
    floats.push_back(value(h));
  }
  const std::vector<std::pair<float, uint16_t>> rounded = {{1 + 0x1p-11f, 0x3C00}, {1 + 0x3p-11f, 0x3C02},
                                                           {65519.0f, 0x7BFF},     {65520.0f, 0x7C00},
                                                           {0x1p-25f, 0},          {0x3p-25f, 2}};
  for (const auto& pair : rounded) {
    floats.push_back(pair.first);
  }
  check_map<uint16_t, __m256i, float, __m512>(
      floats, [](auto v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); },
      [&](float x) {
        for (const auto& [source, h] : rounded) {
          if (source == x) return h;
        }
        for (const uint16_t h : bits) {
          if (std::bit_cast<uint32_t>(value(h)) == std::bit_cast<uint32_t>(x)) return h;
        }
        return uint16_t{0xFFFF};
      },
      "_mm512_cvtps_ph");
}

float bf16_value(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
const std::vector<uint16_t> kBf16 = {0x0000, 0x8000, 0x0001, 0x8001, 0x007F, 0x0080, 0x3F80, 0xBF80,
                                     0x3F81, 0x4049, 0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0x3DCC};

TEST_F(Avx512Intrinsics, Bf16Conversions) {
  check_map<float, __m512, uint16_t, __m256i>(
      kBf16, [](__m256i v) { return _mm512_cvtpbh_ps(std::bit_cast<__m256bh>(v)); }, bf16_value, "_mm512_cvtpbh_ps");
  // To nearest even; subnormals become zeros of their sign; NaNs become quiet.
  const std::vector<std::pair<uint32_t, uint16_t>> cases = {
      {0x3F800000, 0x3F80}, {0x3F807FFF, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F808001, 0x3F81},
      {0x3F818000, 0x3F82}, {0x7F7FFFFF, 0x7F80}, {0xFF7F8000, 0xFF80}, {0x7F800000, 0x7F80},
      {0xFF800000, 0xFF80}, {0x7F800001, 0x7FC0}, {0xFFA00000, 0xFFE0}, {0x7FC00001, 0x7FC0},
      {0x00000001, 0x0000}, {0x807FFFFF, 0x8000}, {0x00800000, 0x0080}, {0x80000000, 0x8000}};
  std::vector<uint32_t> sources;
  for (const auto& [source, result] : cases) {
    sources.push_back(source);
  }
  const auto round = [&](uint32_t source) {
    for (const auto& [x, result] : cases) {
      if (x == source) return result;
    }
    return uint16_t{0};
  };
  check_map<uint16_t, __m256bh, uint32_t, __m512>(
      sources, [](auto v) { return _mm512_cvtneps_pbh(v); }, round, "_mm512_cvtneps_pbh");
  const auto high = walk<uint32_t, __m512>(sources), low = walk<uint32_t, __m512>(sources, 5);
  Lanes<uint16_t, __m512bh> expected;
  for (size_t i = 0; i < 16; ++i) {
    expected.lane[i] = round(low.lane[i]);
    expected.lane[16 + i] = round(high.lane[i]);
  }
  expect_lanes(expected, _mm512_cvtne2ps_pbh(high.vector(), low.vector()), "_mm512_cvtne2ps_pbh");
}

TEST_F(Avx512Intrinsics, Bf16DotProduct) {
  const auto flush = [](float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; };
  const std::vector<float> sums = {0.0f, -0.0f, 1.0f, 0x1p-126f, -3e38f, 0x1p24f, 1e-40f};
  for (size_t shift = 0; shift < kBf16.size(); ++shift) {
    const auto a = walk<uint16_t, __m512bh>(kBf16), b = walk<uint16_t, __m512bh>(kBf16, shift);
    const auto sum = walk<float, __m512>(sums, shift);
    const Lanes<float, __m512> got(_mm512_dpbf16_ps(sum.vector(), a.vector(), b.vector()));
    for (size_t i = 0; i < 16; ++i) {
      // The odd element first; every step fused, with subnormals as zeros on both sides.
      float expected = flush(sum.lane[i]);
      for (const size_t j : {2 * i + 1, 2 * i}) {
        expected = flush(std::fma(flush(bf16_value(a.lane[j])), flush(bf16_value(b.lane[j])), expected));
      }
      EXPECT_TRUE(std::isnan(expected) ? std::isnan(got.lane[i])
                                       : std::bit_cast<uint32_t>(expected) == std::bit_cast<uint32_t>(got.lane[i]))
          << "lane " << i << ", shift " << shift << ": " << got.lane[i] << ", expected " << expected;
    }
    const __mmask16 mask = static_cast<__mmask16>(0xA5C3u >> (shift % 4));
    const Lanes<float, __m512> masked(_mm512_mask_dpbf16_ps(sum.vector(), mask, a.vector(), b.vector()));
    for (size_t i = 0; i < 16; ++i) {
      const float want = mask >> i & 1 ? got.lane[i] : sum.lane[i];
      EXPECT_EQ(0, std::memcmp(&want, &masked.lane[i], 4)) << "masked lane " << i;
    }
  }
}

/// Sums of products wrap; products of bytes are exact.
template <class A, class B, class V, class Op>
void check_dot(const std::vector<A>& as, const std::vector<B>& bs, Op op, const char* what) {
  constexpr size_t kTerms = 4 / sizeof(A);
  for (size_t shift = 0; shift < bs.size(); ++shift) {
    const auto a = walk<A, V>(as);
    const auto b = walk<B, V>(bs, shift);
    const auto sum = walk<int32_t, V>(kInt32, shift);
    Lanes<uint32_t, V> expected(sum.vector());
    for (size_t i = 0; i < Lanes<A, V>::kCount; ++i) {
      expected.lane[i / kTerms] += static_cast<uint32_t>(static_cast<int64_t>(a.lane[i]) * b.lane[i]);
    }
    expect_lanes(expected, op(sum.vector(), a.vector(), b.vector()), what);
  }
}

TEST_F(Avx512Intrinsics, IntegerDotProducts) {
  check_dot<uint8_t, int8_t, __m512i>(
      kUint8, kInt8, [](auto s, auto a, auto b) { return _mm512_dpbusd_epi32(s, a, b); }, "_mm512_dpbusd_epi32");
  check_dot<uint8_t, int8_t, __m512i>(
      {255}, {-128}, [](auto s, auto a, auto b) { return _mm512_dpbusd_epi32(s, a, b); }, "_mm512_dpbusd_epi32");
  check_dot<int16_t, int16_t, __m512i>(
      kInt16, kInt16, [](auto s, auto a, auto b) { return _mm512_add_epi32(s, _mm512_madd_epi16(a, b)); },
      "_mm512_madd_epi16");
  check_dot<uint8_t, int8_t, __m256i>(
      kUint8, kInt8, [](auto s, auto a, auto b) { return _mm256_dpbusd_avx_epi32(s, a, b); },
      "_mm256_dpbusd_avx_epi32");
  check_dot<uint8_t, int8_t, __m128i>(
      kUint8, kInt8, [](auto s, auto a, auto b) { return _mm_dpbusd_avx_epi32(s, a, b); }, "_mm_dpbusd_avx_epi32");
  check_dot<int16_t, int16_t, __m256i>(
      kInt16, kInt16, [](auto s, auto a, auto b) { return _mm256_dpwssd_avx_epi32(s, a, b); },
      "_mm256_dpwssd_avx_epi32");
  check_dot<int16_t, int16_t, __m128i>(
      kInt16, kInt16, [](auto s, auto a, auto b) { return _mm_dpwssd_avx_epi32(s, a, b); }, "_mm_dpwssd_avx_epi32");
}

}  // namespace
