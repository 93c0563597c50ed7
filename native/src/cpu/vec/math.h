#pragma once

namespace msc::cpu {

/// e^x of each lane, at most 2 ulp off for x in [-87.3, 88.3]; 0 below, e^88.376 above (softmax has no such arguments;
/// exp_or_infinity is for those that do), NaN for NaN.
/// x = n ln 2 + r with |r| <= ln 2 / 2, e^r = 1 + r + r^2 q(r); q interpolates at Chebyshev nodes (relative error 1.1e-8).
template <class S>
typename S::Vec exp(typename S::Vec x) {
  using Vec = typename S::Vec;
  const Vec lowest = S::set1(-87.3365402f);  // below: results under the smallest normal number
  const Vec magic = S::set1(12582912.0f);    // 1.5 * 2^23: adding it rounds to an integer
  const Vec clamped = S::max(lowest, S::min(S::set1(88.3762589f), x));
  const Vec shifted = S::fma(clamped, S::set1(1.44269502f), magic);
  const Vec n = S::sub(shifted, magic);
  Vec r = S::fma(n, S::set1(-6.931457520e-01f), clamped);  // 15 bits, so that n times it is exact
  r = S::fma(n, S::set1(-1.428606765e-06f), r);
  Vec q = S::fma(S::set1(1.392621314e-03f), r, S::set1(8.363203146e-03f));
  q = S::fma(q, r, S::set1(4.166655615e-02f));
  q = S::fma(q, r, S::set1(1.666657627e-01f));
  q = S::fma(q, r, S::set1(0.5f));
  const Vec e = S::add(S::fma(S::mul(r, r), q, r), S::set1(1.0f));
  return S::zero_below(x, lowest, S::mul(e, S::pow2_of_magic(shifted)));
}

/// As exp, but infinity above 88.376, so that x / (1 + e^-x) and 1 / (1 + e^-x) vanish where they should.
template <class S>
typename S::Vec exp_or_infinity(typename S::Vec x) {
  return S::infinity_above(x, S::set1(88.3762589f), exp<S>(x));
}

}  // namespace msc::cpu
