// Reductions, broadcasts, comparisons, shifts and masked memory among the intrinsics of intrinsics_avx512.cc.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/simd/avx512.h"
#include "tests/simd/lane_check.h"

namespace {

constexpr float kNan = __builtin_nanf("");
const std::vector<int32_t> kInt32 = {0, 1, -1, 127, -128, 255, 32767, -32768, 65535, INT32_MAX, INT32_MIN};
const std::vector<float> kFloat = {0.0f, -0.0f, 1.0f, -1.0f, 1e-40f, 3e38f, __builtin_inff(), -__builtin_inff(), kNan};

class Avx512Lanes : public testing::Test {
 protected:
  void SetUp() override {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
      GTEST_SKIP() << "instruction set not on this machine";
    }
  }
};

TEST_F(Avx512Lanes, Reductions) {
  std::vector<float> halves(16);
  for (size_t i = 0; i < 16; ++i) {
    halves[i] = static_cast<float>(i * i) * 0.5f - 20;  // sums are exact in any order
  }
  const auto f = walk<float, __m512>(halves);
  const float reduce_add_ps = _mm512_reduce_add_ps(f.vector());
  EXPECT_EQ(reduce_add_ps, std::accumulate(halves.begin(), halves.end(), 0.0f));
  const float reduce_max_ps = _mm512_reduce_max_ps(f.vector());
  EXPECT_EQ(reduce_max_ps, *std::max_element(halves.begin(), halves.end()));
  const float reduce_min_ps = _mm512_reduce_min_ps(f.vector());
  EXPECT_EQ(reduce_min_ps, *std::min_element(halves.begin(), halves.end()));
  const auto d = walk<double, __m512d>({1, 2, 4, 8, 16, 32, 64, -0.5});
  const double reduce_add_pd = _mm512_reduce_add_pd(d.vector());
  EXPECT_EQ(reduce_add_pd, 126.5);
  for (size_t first = 0; first < kInt32.size(); ++first) {
    const auto i = walk<int32_t, __m512i>(kInt32, first);
    uint32_t sum = 0;
    for (const int32_t x : i.lane) {
      sum += static_cast<uint32_t>(x);
    }
    const int reduce_add_epi32 = _mm512_reduce_add_epi32(i.vector());
    EXPECT_EQ(reduce_add_epi32, static_cast<int32_t>(sum));
    const int reduce_max_epi32 = _mm512_reduce_max_epi32(i.vector());
    EXPECT_EQ(reduce_max_epi32, *std::max_element(std::begin(i.lane), std::end(i.lane)));
    const int reduce_min_epi32 = _mm512_reduce_min_epi32(i.vector());
    EXPECT_EQ(reduce_min_epi32, *std::min_element(std::begin(i.lane), std::end(i.lane)));
  }
  const float cvtss_f32 = _mm512_cvtss_f32(f.vector());
  EXPECT_EQ(cvtss_f32, -20.0f);
  const auto words = walk<int32_t, __m512i>({-7, 1});
  const int lowest = _mm512_cvtsi512_si32(words.vector());
  EXPECT_EQ(lowest, -7);
}

/// Lane i of the result is lane i % `period` of the source.
template <class VTo, class VFrom>
void check_repeat(VTo actual, const Lanes<int32_t, VFrom>& source, size_t period, const char* what) {
  Lanes<int32_t, VTo> expected;
  for (size_t i = 0; i < Lanes<int32_t, VTo>::kCount; ++i) {
    expected.lane[i] = source.lane[i % period];
  }
  expect_lanes(expected, actual, what);
}

TEST_F(Avx512Lanes, BroadcastsAndExtensions) {
  const auto x = walk<int32_t, __m128i>({11, -22, 33, INT32_MIN});
  const auto y = walk<int32_t, __m256i>({1, -2, 3, -4, 5, -6, 7, INT32_MAX});
  check_repeat(_mm512_broadcast_i32x2(x.vector()), x, 2, "_mm512_broadcast_i32x2");
  check_repeat(_mm512_broadcast_i64x2(x.vector()), x, 4, "_mm512_broadcast_i64x2");
  check_repeat(_mm512_broadcast_i32x8(y.vector()), y, 8, "_mm512_broadcast_i32x8");
  check_repeat(_mm256_broadcast_i32x4(x.vector()), x, 4, "_mm256_broadcast_i32x4");
  check_map<int32_t, __m512i, int32_t, __m256i>(
      kInt32, [](auto v) { return _mm512_zextsi256_si512(v); }, [](int32_t v) { return v; }, "_mm512_zextsi256_si512");
  check_map<int32_t, __m512i, int32_t, __m128i>(
      kInt32, [](auto v) { return _mm512_zextsi128_si512(v); }, [](int32_t v) { return v; }, "_mm512_zextsi128_si512");
  check_map<float, __m512, float, __m256>(
      kFloat, [](auto v) { return _mm512_zextps256_ps512(v); }, [](float v) { return v; }, "_mm512_zextps256_ps512");
  check_map<float, __m512, float, __m128>(
      kFloat, [](auto v) { return _mm512_zextps128_ps512(v); }, [](float v) { return v; }, "_mm512_zextps128_ps512");
}

TEST_F(Avx512Lanes, DuplicatesAndHalves) {
  Lanes<float, __m512> x, even, odd;
  for (size_t i = 0; i < 16; ++i) {
    x.lane[i] = static_cast<float>(i);
    even.lane[i] = static_cast<float>(i / 2 * 2);
    odd.lane[i] = static_cast<float>(i / 2 * 2 + 1);
  }
  expect_lanes(even, _mm512_moveldup_ps(x.vector()), "_mm512_moveldup_ps");
  expect_lanes(odd, _mm512_movehdup_ps(x.vector()), "_mm512_movehdup_ps");
  const auto pairs = walk<double, __m512d>({1, 2, 3, 4, 5, 6, 7, 8});
  expect_lanes(walk<double, __m512d>({1, 1, 3, 3, 5, 5, 7, 7}), _mm512_movedup_pd(pairs.vector()), "_mm512_movedup_pd");
  for (const int half : {0, 1}) {
    Lanes<float, __m256> expected;
    std::copy_n(x.lane + 8 * half, 8, expected.lane);
    expect_lanes(expected, half == 0 ? _mm512_extractf32x8_ps(x.vector(), 0) : _mm512_extractf32x8_ps(x.vector(), 1),
                 "_mm512_extractf32x8_ps");
  }
}

TEST_F(Avx512Lanes, ShiftsFillWithTheSign) {
  // Counts are unsigned: 32 and more, so also "negative" ones, leave the sign alone.
  const auto shift = [](int32_t x, int32_t n) {
    return n < 0 || n > 31 ? (x < 0 ? -1 : 0)
                           : static_cast<int32_t>(std::floor(std::ldexp(static_cast<double>(x), -n)));
  };
  std::vector<int32_t> values = kInt32;
  values.insert(values.end(), {2, 5, 30, 31, 32, 33});
  check_map2<int32_t, __m512i>(
      values, [](auto a, auto n) { return _mm512_srav_epi32(a, n); }, shift, "_mm512_srav_epi32");
  check_map<int32_t, __m512i, int32_t, __m512i>(
      values, [](auto a) { return _mm512_srai_epi32(a, 5); }, [&](int32_t x) { return shift(x, 5); },
      "_mm512_srai_epi32");
  check_map<int32_t, __m512i, int32_t, __m512i>(
      values, [](auto a) { return _mm512_srai_epi32(a, 31); }, [&](int32_t x) { return shift(x, 31); },
      "_mm512_srai_epi32");
}

TEST_F(Avx512Lanes, Comparisons) {
#define CHECK_MASK(type, vector, values, name, expression) \
  check_mask<type, vector>(                                \
      values, [](auto v, auto w) { return name(v, w); }, [](type a, type b) { return expression; }, #name)
  const std::vector<int16_t> shorts = {0, 1, -1, 255, 256, INT16_MAX, INT16_MIN};
  const std::vector<int8_t> bytes = {0, 1, -1, 127, -128};
  const std::vector<uint32_t> bits = {0, 1, 2, 3, 0x80000000u, 0xFFFFFFFFu};
  const std::vector<uint8_t> byte_bits = {0, 1, 2, 128, 255};
  CHECK_MASK(int32_t, __m512i, kInt32, _mm512_cmplt_epi32_mask, a < b);
  CHECK_MASK(int32_t, __m512i, kInt32, _mm512_cmpneq_epi32_mask, a != b);
  CHECK_MASK(int16_t, __m512i, shorts, _mm512_cmpeq_epi16_mask, a == b);
  CHECK_MASK(int8_t, __m256i, bytes, _mm256_cmpeq_epi8_mask, a == b);
  CHECK_MASK(uint32_t, __m512i, bits, _mm512_testn_epi32_mask, (a & b) == 0);
  CHECK_MASK(uint8_t, __m512i, byte_bits, _mm512_testn_epi8_mask, (a & b) == 0);
  CHECK_MASK(float, __m512, kFloat, _mm512_cmple_ps_mask, a <= b);
  CHECK_MASK(float, __m512, kFloat, _mm512_cmpnlt_ps_mask, !(a < b));
  const __mmask16 a = 0xF0C3, b = 0x3CA5;
  EXPECT_EQ(static_cast<unsigned>(_mm512_kand(a, b)), 0x3081u);
  EXPECT_EQ(static_cast<unsigned>(_mm512_kor(a, b)), 0xFCE7u);
  EXPECT_EQ(static_cast<unsigned>(_mm512_knot(a)), 0x0F3Cu);
  EXPECT_EQ(_cvtmask16_u32(_cvtu32_mask16(0x1F0C3u)), 0xF0C3u);
  EXPECT_EQ(static_cast<uint32_t>(_cvtu32_mask32(0x80000001u)), 0x80000001u);
  EXPECT_EQ(static_cast<uint64_t>(_cvtu64_mask64(0x8000000000000001u)), 0x8000000000000001u);
}

TEST_F(Avx512Lanes, MaskedArithmetic) {
  const __mmask16 mask = 0xA5C3;
  const auto a = walk<float, __m512>(kFloat), b = walk<float, __m512>(kFloat, 3), c = walk<float, __m512>(kFloat, 5);
  const Lanes<float, __m512> fused(_mm512_fmadd_ps(a.vector(), b.vector(), c.vector()));
  const Lanes<int32_t, __m512i> rounded(_mm512_cvtps_epi32(a.vector()));
  const auto bytes = walk<int8_t, __m128i>({1, -1, 127, -128, 5});
  Lanes<float, __m512> mask3 = c;
  Lanes<int32_t, __m512i> converted, widened;
  for (size_t i = 0; i < 16; ++i) {
    if (mask >> i & 1) {
      mask3.lane[i] = fused.lane[i];
      converted.lane[i] = rounded.lane[i];
      widened.lane[i] = bytes.lane[i];
    }
  }
  expect_lanes(mask3, _mm512_mask3_fmadd_ps(a.vector(), b.vector(), c.vector(), mask), "_mm512_mask3_fmadd_ps");
  expect_lanes(converted, _mm512_maskz_cvtps_epi32(mask, a.vector()), "_mm512_maskz_cvtps_epi32");
  expect_lanes(widened, _mm512_maskz_cvtepi8_epi32(mask, bytes.vector()), "_mm512_maskz_cvtepi8_epi32");
  const auto x = walk<int8_t, __m256i>({1, -128, 127, 0}), y = walk<int8_t, __m256i>({5, 1, -1}),
             s = walk<int8_t, __m256i>({42});
  Lanes<int8_t, __m256i> difference = s;
  for (size_t i = 0; i < 32; ++i) {
    if (0xDEADBEEFu >> i & 1) {
      difference.lane[i] = static_cast<int8_t>(x.lane[i] - y.lane[i]);
    }
  }
  expect_lanes(difference, _mm256_mask_sub_epi8(s.vector(), 0xDEADBEEFu, x.vector(), y.vector()),
               "_mm256_mask_sub_epi8");
}

/// The last bytes before memory that must not be touched.
class Edge {
 public:
  Edge() {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    base_ =
        static_cast<std::byte*>(mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + page_, page_, PROT_NONE);
  }
  ~Edge() { munmap(base_, 2 * page_); }
  void* last(size_t bytes) { return base_ + page_ - bytes; }

 private:
  size_t page_;
  std::byte* base_;
};

template <class T, class V, class M, class LoadZero, class Load, class Store>
void check_masked_memory(LoadZero load_zero, Load load, Store store, const char* what) {
  constexpr size_t kCount = Lanes<T, V>::kCount;
  Edge edge;
  Lanes<T, V> other, value;
  for (size_t i = 0; i < kCount; ++i) {
    other.lane[i] = static_cast<T>(i + 1);
    value.lane[i] = static_cast<T>(100 - i);
  }
  for (const size_t valid : {size_t{0}, size_t{1}, kCount / 2, kCount - 1, kCount}) {
    const auto mask = static_cast<M>(valid == 64 ? ~uint64_t{0} : (uint64_t{1} << valid) - 1);
    auto* memory = static_cast<T*>(edge.last(valid * sizeof(T)));
    Lanes<T, V> zeroed, merged = other;
    for (size_t i = 0; i < valid; ++i) {
      memory[i] = static_cast<T>(3 * i + 7);
      zeroed.lane[i] = merged.lane[i] = memory[i];
    }
    expect_lanes(zeroed, load_zero(mask, memory), what);
    expect_lanes(merged, load(other.vector(), mask, memory), what);
    store(memory, mask, value.vector());
    for (size_t i = 0; i < valid; ++i) {
      EXPECT_EQ(memory[i], value.lane[i]) << what << ": store, lane " << i;
    }
  }
}

#define CHECK_MASKED_MEMORY(type, vector, mask, bits, suffix)                              \
  check_masked_memory<type, vector, mask>(                                                 \
      [](mask k, const void* p) { return bits##_maskz_loadu_##suffix(k, p); },             \
      [](vector v, mask k, const void* p) { return bits##_mask_loadu_##suffix(v, k, p); }, \
      [](void* p, mask k, vector v) { bits##_mask_storeu_##suffix(p, k, v); }, #bits "_*_" #suffix)

TEST_F(Avx512Lanes, MaskedMemory) {
  CHECK_MASKED_MEMORY(float, __m128, __mmask8, _mm, ps);
  CHECK_MASKED_MEMORY(double, __m128d, __mmask8, _mm, pd);
  CHECK_MASKED_MEMORY(uint8_t, __m128i, __mmask16, _mm, epi8);
  CHECK_MASKED_MEMORY(uint16_t, __m128i, __mmask8, _mm, epi16);
  CHECK_MASKED_MEMORY(uint32_t, __m128i, __mmask8, _mm, epi32);
  CHECK_MASKED_MEMORY(uint64_t, __m128i, __mmask8, _mm, epi64);
  CHECK_MASKED_MEMORY(float, __m256, __mmask8, _mm256, ps);
  CHECK_MASKED_MEMORY(double, __m256d, __mmask8, _mm256, pd);
  CHECK_MASKED_MEMORY(uint8_t, __m256i, __mmask32, _mm256, epi8);
  CHECK_MASKED_MEMORY(uint16_t, __m256i, __mmask16, _mm256, epi16);
  CHECK_MASKED_MEMORY(uint32_t, __m256i, __mmask8, _mm256, epi32);
  CHECK_MASKED_MEMORY(uint64_t, __m256i, __mmask8, _mm256, epi64);
  CHECK_MASKED_MEMORY(float, __m512, __mmask16, _mm512, ps);
  CHECK_MASKED_MEMORY(double, __m512d, __mmask8, _mm512, pd);
  CHECK_MASKED_MEMORY(uint8_t, __m512i, __mmask64, _mm512, epi8);
  CHECK_MASKED_MEMORY(uint16_t, __m512i, __mmask32, _mm512, epi16);
  CHECK_MASKED_MEMORY(uint32_t, __m512i, __mmask16, _mm512, epi32);
  CHECK_MASKED_MEMORY(uint64_t, __m512i, __mmask8, _mm512, epi64);
}

}  // namespace
