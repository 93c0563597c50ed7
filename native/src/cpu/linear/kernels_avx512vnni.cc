#include "cpu/linear/kernel_set.h"
#include "cpu/linear/vector_avx512.h"

namespace msc::cpu {
namespace {

/// AVX-512 with the byte dot product; see VectorAvxVnni.
struct VectorAvx512Vnni : VectorAvx512 {
  static Int dot(Int sum, Int u8, Int i8) { return _mm512_dpbusd_epi32(sum, u8, i8); }

  static Int start_small(Int w, Int x) { return dot(int_zero(), w, x); }
  static Int add_small(Int sum, Int w, Int x) { return dot(sum, w, x); }
  static Int finish_small(Int sum) { return sum; }

  static Int add_scaled(Int sum, Int scale, const Int (&w)[4], const Int (&x)[4]) {
    const Int first = dot(dot(int_zero(), w[0], x[0]), w[1], x[1]);
    return int_add(sum, _mm512_mullo_epi32(dot(dot(first, w[2], x[2]), w[3], x[3]), scale));
  }
  static Int dot_four(const Int (&w)[4], const Int (&x)[4]) { return add_four(int_zero(), w, x); }
  static Int add_four(Int sum, const Int (&w)[4], const Int (&x)[4]) {
    return dot(dot(dot(dot(sum, w[0], x[0]), w[1], x[1]), w[2], x[2]), w[3], x[3]);
  }
  static Int first_scale(Int pairs) { return shift_right_signed<16>(shift_left<16>(pairs)); }
  static Int second_scale(Int pairs) { return shift_right_signed<16>(pairs); }

  using Signed = Int;
  static Signed prepare_signed(Int words) { return _mm512_xor_si512(words, splat(0x80808080u)); }
  static Int start_signed(const int32_t* minus_128_sum) { return _mm512_set1_epi32(*minus_128_sum); }
  static Int add_signed(Int sum, Signed w, Int x) { return dot(sum, w, x); }
};

}  // namespace

void set_kernels_avx512vnni(LinearKernels& kernels) { set_int8_kernels<VectorAvx512Vnni>(kernels); }

}  // namespace msc::cpu
