#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace msc::cpu {
namespace {

/// Operations of the kernels on 8 lanes held in two of the compiler's generic 128-bit vectors; see VectorAvx2. No fused
/// multiply-add: fma() rounds twice here.
struct VectorPortable {
  typedef float F4 __attribute__((vector_size(16)));
  typedef int32_t I4 __attribute__((vector_size(16)));
  typedef uint32_t U4 __attribute__((vector_size(16)));
  typedef int16_t S8 __attribute__((vector_size(16)));
  typedef uint16_t H8 __attribute__((vector_size(16)));
  typedef int8_t B16 __attribute__((vector_size(16)));
  typedef uint8_t C16 __attribute__((vector_size(16)));
  typedef uint64_t L2 __attribute__((vector_size(16)));
  struct Float {
    F4 low, high;
  };
  struct Int {
    I4 low, high;
  };
  static constexpr int kLanes = 8;
  static constexpr int kIntRows = 2;    // 4 + 4 sums, 4 weights of 16 registers
  static constexpr int kFloatRows = 2;  // by two groups: 8 sums

  template <class T>
  static T read(const void* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }

  static Float zero() { return set1(0.0f); }
  static Float load(const float* p) { return {read<F4>(p), read<F4>(p + 4)}; }
  static void store(float* p, Float v) {
    std::memcpy(p, &v.low, 16);
    std::memcpy(p + 4, &v.high, 16);
  }
  static Float set1(float x) { return {F4{x, x, x, x}, F4{x, x, x, x}}; }
  static Float broadcast(const float* p) { return set1(*p); }
  static Float add(Float a, Float b) { return {a.low + b.low, a.high + b.high}; }
  static Float mul(Float a, Float b) { return {a.low * b.low, a.high * b.high}; }
  static Float fma(Float a, Float b, Float c) { return {a.low * b.low + c.low, a.high * b.high + c.high}; }

  static Int load_words(const void* p) { return {read<I4>(p), read<I4>(static_cast<const char*>(p) + 16)}; }
  static Int splat(uint32_t word) {
    const I4 four = reinterpret_cast<I4>(U4{word, word, word, word});
    return {four, four};
  }
  static Int broadcast_word(const void* p) { return splat(read<uint32_t>(p)); }
  static Int int_zero() { return splat(0); }
  static Int int_add(Int a, Int b) { return {a.low + b.low, a.high + b.high}; }
  static Int int_sub(Int a, Int b) { return {a.low - b.low, a.high - b.high}; }
  template <int N>
  static Int shift_left(Int a) {
    return {reinterpret_cast<I4>(reinterpret_cast<U4>(a.low) << N),
            reinterpret_cast<I4>(reinterpret_cast<U4>(a.high) << N)};
  }
  template <int N>
  static Int shift_right_signed(Int a) { return {a.low >> N, a.high >> N}; }
  template <int N>
  static Int shift_right(Int a) {
    return {reinterpret_cast<I4>(reinterpret_cast<U4>(a.low) >> N),
            reinterpret_cast<I4>(reinterpret_cast<U4>(a.high) >> N)};
  }
  template <int N>
  static Int shift_halves_left(Int a) {
    return {reinterpret_cast<I4>(reinterpret_cast<H8>(a.low) << N), reinterpret_cast<I4>(reinterpret_cast<H8>(a.high) << N)};
  }
  template <int N>
  static Int shift_halves_right_signed(Int a) {
    return {reinterpret_cast<I4>(reinterpret_cast<S8>(a.low) >> N), reinterpret_cast<I4>(reinterpret_cast<S8>(a.high) >> N)};
  }
  static Int bit_and(Int a, Int b) { return {a.low & b.low, a.high & b.high}; }
  static Int bit_or(Int a, Int b) { return {a.low | b.low, a.high | b.high}; }
  static Float to_float(Int a) {
    return {__builtin_convertvector(a.low, F4), __builtin_convertvector(a.high, F4)};
  }
  static Float as_float(Int a) { return {reinterpret_cast<F4>(a.low), reinterpret_cast<F4>(a.high)}; }

  /// As float bits, exponent and mantissa of an f16 are its value times 2^-112; subnormals come out right as well.
  static F4 half_to_float(I4 half) {
    const I4 magnitude = half & 0x7FFF;
    const F4 finite = reinterpret_cast<F4>(magnitude << 13) * 0x1p112f;
    const I4 special = magnitude >= 0x7C00;
    const I4 bits = (reinterpret_cast<I4>(finite) & ~special) | (((magnitude << 13) | 0x7F800000) & special);
    return reinterpret_cast<F4>(bits | reinterpret_cast<I4>(reinterpret_cast<U4>(half & 0x8000) << 16));
  }
  static Float load_half(const void* p) {
    const H8 h = read<H8>(p);
    return {half_to_float(I4{h[0], h[1], h[2], h[3]}), half_to_float(I4{h[4], h[5], h[6], h[7]})};
  }
  static Float load_u8(const void* p) {
    const auto* b = static_cast<const uint8_t*>(p);
    return to_float({I4{b[0], b[1], b[2], b[3]}, I4{b[4], b[5], b[6], b[7]}});
  }
  static Int load_u8_words(const void* p) {
    const auto* b = static_cast<const uint8_t*>(p);
    return {I4{b[0], b[1], b[2], b[3]}, I4{b[4], b[5], b[6], b[7]}};
  }
  /// SSE2 looks up no bytes: see table_values.h.
  static constexpr bool kHasLookup = false;
  static Int add_bytes(Int a, Int b) {
    return {reinterpret_cast<I4>(reinterpret_cast<B16>(a.low) + reinterpret_cast<B16>(b.low)),
            reinterpret_cast<I4>(reinterpret_cast<B16>(a.high) + reinterpret_cast<B16>(b.high))};
  }
  /// Twice the values of E2M1 codes, a byte each: of the magnitudes 0..7, those above 4 grow twice as fast, 7 once more.
  static Int twice_e2m1(Int codes) { return {twice_e2m1(codes.low), twice_e2m1(codes.high)}; }
  static I4 twice_e2m1(I4 codes) {
    const auto bytes = reinterpret_cast<C16>(codes);
    const C16 code = bytes & 7;
    const B16 negative = reinterpret_cast<B16>(bytes) > 7;
    const C16 above_6 = excess<6>(code);
    const auto magnitude = reinterpret_cast<B16>(code + excess<4>(code) + above_6 + above_6);
    return reinterpret_cast<I4>((magnitude ^ negative) - negative);
  }
  /// max(0, byte - Limit)
  template <int Limit>
  static C16 excess(C16 bytes) {
#if defined(__SSE2__)
    return reinterpret_cast<C16>(_mm_subs_epu8(reinterpret_cast<__m128i>(bytes), _mm_set1_epi8(Limit)));
#else
    return (bytes - Limit) & reinterpret_cast<C16>(bytes > Limit);
#endif
  }
  /// The low and high bytes of pairs[i], for each byte i.
  static void look_up_pairs(const uint16_t* pairs, Int bytes, Int& low, Int& high) {
    look_up_pairs(pairs, bytes.low, low.low, high.low);
    look_up_pairs(pairs, bytes.high, low.high, high.high);
  }
  static void look_up_pairs(const uint16_t* pairs, I4 bytes, I4& low, I4& high) {
    const auto eight = [&](uint64_t b) {
      const auto four = [&](uint64_t c) {
        return uint64_t{pairs[c & 255]} | uint64_t{pairs[c >> 8 & 255]} << 16 | uint64_t{pairs[c >> 16 & 255]} << 32 |
               uint64_t{pairs[c >> 24 & 255]} << 48;
      };
      return reinterpret_cast<H8>(L2{four(b), four(b >> 32)});
    };
    const auto halves = reinterpret_cast<L2>(bytes);
    const H8 first = eight(halves[0]);
    const H8 second = eight(halves[1]);
    low = pack_bytes(first & 0xFF, second & 0xFF);
    high = pack_bytes(first >> 8, second >> 8);
  }
  /// 16-bit values below 256 as bytes.
  static I4 pack_bytes(H8 a, H8 b) {
#if defined(__SSE2__)
    return reinterpret_cast<I4>(_mm_packus_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
    return reinterpret_cast<I4>(__builtin_shufflevector(reinterpret_cast<C16>(a), reinterpret_cast<C16>(b), 0, 2, 4, 6, 8, 10, 12,
                                                        14, 16, 18, 20, 22, 24, 26, 28, 30));
#endif
  }
  static Int load_i8_pairs(const void* p) {
    const auto* b = static_cast<const int8_t*>(p);
    return {reinterpret_cast<I4>(S8{b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]}),
            reinterpret_cast<I4>(S8{b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]})};
  }

  static I4 dot_pairs(I4 a, I4 b) {
#if defined(__SSE2__)
    return reinterpret_cast<I4>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
    const auto first = [](I4 v) { return reinterpret_cast<I4>(reinterpret_cast<U4>(v) << 16) >> 16; };
    return first(a) * first(b) + (a >> 16) * (b >> 16);
#endif
  }
  static Int dot_pairs(Int a, Int b) { return {dot_pairs(a.low, b.low), dot_pairs(a.high, b.high)}; }

  /// The even or odd bytes of four words as 16-bit values.
  static S8 even_signed(I4 v) { return reinterpret_cast<S8>(reinterpret_cast<H8>(v) << 8) >> 8; }
  static S8 odd_signed(I4 v) { return reinterpret_cast<S8>(v) >> 8; }
  static S8 even_unsigned(I4 v) { return reinterpret_cast<S8>(reinterpret_cast<H8>(v) & 0xFF); }
  static S8 odd_unsigned(I4 v) { return reinterpret_cast<S8>(reinterpret_cast<H8>(v) >> 8); }

  /// Sums of pairs of products of u8 and i8, in 16 bits.
  static S8 pair_products(I4 w, I4 x) {
    return even_unsigned(w) * even_signed(x) + odd_unsigned(w) * odd_signed(x);
  }
  static Int start_small(Int w, Int x) {
    return {reinterpret_cast<I4>(pair_products(w.low, x.low)), reinterpret_cast<I4>(pair_products(w.high, x.high))};
  }
  static I4 add_pairs(I4 a, I4 b) { return reinterpret_cast<I4>(reinterpret_cast<S8>(a) + reinterpret_cast<S8>(b)); }
  static Int add_small(Int sum, Int w, Int x) {
    const Int pairs = start_small(w, x);
    return {add_pairs(sum.low, pairs.low), add_pairs(sum.high, pairs.high)};
  }
  static Int finish_small(Int sum) { return dot_pairs(sum, splat(0x00010001u)); }

  static Int add_scaled(Int sum, Int scale, const Int (&w)[4], const Int (&x)[4]) {
    const Int first = add_small(start_small(w[0], x[0]), w[1], x[1]);
    const Int second = add_small(start_small(w[2], x[2]), w[3], x[3]);
    return int_add(sum, int_add(dot_pairs(first, scale), dot_pairs(second, scale)));
  }
  static Int dot_four(const Int (&w)[4], const Int (&x)[4]) {
    return finish_small(add_small(add_small(add_small(start_small(w[0], x[0]), w[1], x[1]), w[2], x[2]), w[3], x[3]));
  }
  static Int add_four(Int sum, const Int (&w)[4], const Int (&x)[4]) { return int_add(sum, dot_four(w, x)); }
  static Int first_scale(Int pairs) { return bit_or(bit_and(pairs, splat(0xFFFF)), shift_left<16>(pairs)); }
  static Int second_scale(Int pairs) { return bit_or(bit_and(pairs, splat(0xFFFF0000u)), shift_right<16>(pairs)); }

  using Signed = Int;
  static Signed prepare_signed(Int words) { return words; }
  static Int start_signed(const int32_t*) { return int_zero(); }
  static I4 signed_products(I4 w, I4 x) {
    return dot_pairs(reinterpret_cast<I4>(even_signed(w)), reinterpret_cast<I4>(even_signed(x))) +
           dot_pairs(reinterpret_cast<I4>(odd_signed(w)), reinterpret_cast<I4>(odd_signed(x)));
  }
  static Int add_signed(Int sum, Signed w, Int x) {
    return {sum.low + signed_products(w.low, x.low), sum.high + signed_products(w.high, x.high)};
  }

  static uint32_t max_bits(const float* x) {
    uint32_t largest = 0;
    for (int i = 0; i < 32; ++i) {
      const uint32_t bits = read<uint32_t>(x + i) & 0x7FFFFFFFu;
      largest = bits > largest ? bits : largest;
    }
    return largest;
  }
  static void round_block(const float* x, float inverse, int8_t* q, int32_t* half_sums) {
    // Adding 1.5 * 2^23 rounds to an integer, which is then the low byte; a NaN gives some byte.
    for (int half = 0; half < 2; ++half) {
      int32_t sum = 0;
      for (int i = 16 * half; i < 16 * half + 16; ++i) {
        const float shifted = x[i] * inverse + 12582912.0f;
        const auto byte = static_cast<int8_t>(read<uint32_t>(&shifted));
        q[i] = byte == -128 ? int8_t{-127} : byte;
        sum += q[i];
      }
      half_sums[half] = sum;
    }
  }

  static void keep_register(Float&) {}

  static constexpr int kFloatPrefetchBytes = 2048;
  static constexpr int kInt8PrefetchBytes = 512;
  // Inlined early: GCC takes a call of a function that only prefetches for one without effect and drops it.
  [[gnu::always_inline]] static void prefetch(const void* p) { __builtin_prefetch(p); }
};

}  // namespace
}  // namespace msc::cpu
