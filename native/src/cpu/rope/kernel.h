#pragma once

#include <cstdint>

#include "cpu/norm/kernel.h"
#include "cpu/rope/rope.h"

namespace msc::cpu {

template <class S>
class RopeKernel {
 public:
  static void head(const float* in, int64_t width, const float* norm, float eps, const float* table, int64_t d,
                   int32_t pairing, float* out) {
    if (norm != nullptr) {
      rms_norm_kernel<S>(in, norm, width, eps, out);
    } else if (in != out) {
      for (int64_t i = 0; i < width; ++i) {
        out[i] = in[i];
      }
    }
    if (table == nullptr) {
      return;
    }
    if (pairing == MSC_ROPE_PAIRING_HALF_SPLIT) {
      rotate_halves(out, table, d / 2);
    } else {
      rotate_pairs(out, table, d / 2);
    }
  }

  static void append(const KvLayout& layout, std::byte* block, int64_t slot, const float* key, const float* value) {
    if (layout.is_latent()) {
      append_latent(layout, block, slot, key);
    } else if (layout.format == MSC_FORMAT_F32) {
      const auto same = [](float x) { return x; };
      place<float>(layout, block, slot, key, value, same, same);
    } else if (layout.format == MSC_FORMAT_BF16) {
      place<uint16_t>(layout, block, slot, key, value, to_bf16, to_bf16);
    } else {
      const float key_scale = int8_scale(key, layout.k_width);
      const float value_scale = int8_scale(value, layout.v_width);
      reinterpret_cast<float*>(block + layout.k_scale_offset)[slot] = key_scale;
      reinterpret_cast<float*>(block + layout.v_scale_offset)[slot] = value_scale;
      const float key_inverse = inverse(key_scale);
      const float value_inverse = inverse(value_scale);
      place<int8_t>(layout, block, slot, key, value, [=](float x) { return to_int8(x * key_inverse); },
                    [=](float x) { return to_int8(x * value_inverse); });
    }
  }

 private:
  /// Prefix and other channels differ in size by orders of magnitude (the latter are not normalised), so that each has a
  /// scale of its own.
  static void append_latent(const KvLayout& layout, std::byte* block, int64_t slot, const float* key) {
    const int64_t first = slot * layout.k_width;
    if (layout.format == MSC_FORMAT_F32) {
      auto* row = reinterpret_cast<float*>(block) + first;
      for (int64_t i = 0; i < layout.k_width; ++i) {
        row[i] = key[i];
      }
    } else if (layout.format == MSC_FORMAT_BF16) {
      auto* row = reinterpret_cast<uint16_t*>(block) + first;
      for (int64_t i = 0; i < layout.k_width; ++i) {
        row[i] = to_bf16(key[i]);
      }
    } else {
      auto* row = reinterpret_cast<int8_t*>(block) + first;
      const auto part = [&](int64_t begin, int64_t end, uint64_t scale_offset) {
        const float scale = int8_scale(key + begin, end - begin);
        reinterpret_cast<float*>(block + scale_offset)[slot] = scale;
        const float factor = inverse(scale);
        for (int64_t i = begin; i < end; ++i) {
          row[i] = to_int8(key[i] * factor);
        }
      };
      part(0, layout.latent_width, layout.k_scale_offset);
      part(layout.latent_width, layout.k_width, layout.v_scale_offset);
    }
  }

  static void rotate_halves(float* x, const float* table, int64_t half) {
    using Vec = typename S::Vec;
    int64_t i = 0;
    for (; i + S::kLanes <= half; i += S::kLanes) {
      const Vec low = S::load(x + i);
      const Vec high = S::load(x + half + i);
      const Vec cosine = S::load(table + i);
      const Vec sine = S::load(table + half + i);
      S::store(x + i, S::sub(S::mul(low, cosine), S::mul(high, sine)));
      S::store(x + half + i, S::add(S::mul(high, cosine), S::mul(low, sine)));
    }
    for (; i < half; ++i) {
      const float low = x[i];
      const float high = x[half + i];
      x[i] = low * table[i] - high * table[half + i];
      x[half + i] = high * table[i] + low * table[half + i];
    }
  }

  static void rotate_pairs(float* __restrict x, const float* __restrict table, int64_t half) {
    for (int64_t i = 0; i < half; ++i) {
      const float even = x[2 * i];
      const float odd = x[2 * i + 1];
      x[2 * i] = even * table[i] - odd * table[half + i];
      x[2 * i + 1] = odd * table[i] + even * table[half + i];
    }
  }

  template <class E, class ToKey, class ToValue>
  static void place(const KvLayout& layout, std::byte* block, int64_t slot, const float* key, const float* value,
                    ToKey to_key, ToValue to_value) {
    E* column = reinterpret_cast<E*>(block) + slot / kKvGroup * kKvGroup * layout.k_width + slot % kKvGroup;
    for (int64_t i = 0; i < layout.k_width; ++i) {
      column[i * kKvGroup] = to_key(key[i]);
    }
    E* row = reinterpret_cast<E*>(block + layout.v_offset) + slot / kKvGroup * kKvGroup * layout.v_padded +
             slot % kKvGroup * kKvGroup;
    int64_t i = 0;
    for (; i + kKvGroup <= layout.v_width; i += kKvGroup, row += kKvGroup * kKvGroup) {
      for (int64_t c = 0; c < kKvGroup; ++c) {
        row[c] = to_value(value[i + c]);
      }
    }
    for (int64_t c = 0; i + c < layout.v_width; ++c) {
      row[c] = to_value(value[i + c]);
    }
  }

  /// Round to nearest even; NaN stays NaN.
  static uint16_t to_bf16(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return static_cast<uint16_t>(x == x ? rounded : (bits >> 16) | 0x40u);
  }

  /// Largest magnitude / 127; NaN if any element is not finite, so that the damage stays visible.
  static float int8_scale(const float* x, int64_t count) {
    float largest = 0.0f;
    float poison = 0.0f;
    for (int64_t i = 0; i < count; ++i) {
      const float magnitude = __builtin_fabsf(x[i]);
      largest = magnitude > largest ? magnitude : largest;
      poison += x[i] * 0.0f;
    }
    return largest / 127.0f + poison;
  }

  static float inverse(float scale) {
    const float result = 1.0f / scale;
    return result <= 3.0e38f ? result : 0.0f;  // zero, denormal or NaN scale: all elements become 0
  }

  /// Nearest integer (ties to even) by adding 1.5 * 2^23; |x| <= 127.5.
  static int8_t to_int8(float x) {
    const float shifted = x + 12582912.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    return static_cast<int8_t>(bits & 0xFF);
  }
};

template <class S>
const RopeKernels& rope_kernels_of() {
  static constexpr RopeKernels kKernels = {RopeKernel<S>::head, RopeKernel<S>::append};
  return kKernels;
}

}  // namespace msc::cpu
