#include "cpu/weight/native_format.h"

namespace msc::cpu {
namespace {

constexpr FormatGeometry kGeometries[kNumNativeFormats] = {
    {MSC_FORMAT_F32, "F32", 1, 4, 0, 4, false},        {MSC_FORMAT_F16, "F16", 1, 2, 0, 2, false},
    {MSC_FORMAT_BF16, "BF16", 1, 2, 0, 2, false},      {MSC_FORMAT_Q8_0, "Q8_0", 32, 34, 2, 32, true},
    {MSC_FORMAT_Q4_0, "Q4_0", 32, 18, 2, 16, true},    {MSC_FORMAT_Q4_1, "Q4_1", 32, 20, 4, 16, true},
    {MSC_FORMAT_Q4_K, "Q4_K", 256, 144, 20, 128, true}, {MSC_FORMAT_Q6_K, "Q6_K", 256, 210, 18, 192, true},
    {MSC_FORMAT_Q5_0, "Q5_0", 32, 22, 2, 20, true},    {MSC_FORMAT_Q5_1, "Q5_1", 32, 24, 4, 20, true},
    {MSC_FORMAT_Q5_K, "Q5_K", 256, 176, 20, 160, true}, {MSC_FORMAT_MXFP4, "MXFP4", 32, 17, 1, 16, true},
    {MSC_FORMAT_NVFP4, "NVFP4", 64, 36, 4, 32, true, true}, {MSC_FORMAT_IQ4_NL, "IQ4_NL", 32, 18, 2, 16, true},
    {MSC_FORMAT_IQ4_XS, "IQ4_XS", 256, 136, 10, 128, true},
    {MSC_FORMAT_U4, "U4", 32, 16, 0, 16, true, false, 5}, {MSC_FORMAT_I8, "I8", 32, 32, 0, 32, true, false, 6},
    {MSC_FORMAT_F8_E4M3, "F8_E4M3", 4, 4, 0, 4, true, false, 4},
};

}  // namespace

const FormatGeometry& geometry(NativeFormat format) { return kGeometries[static_cast<int>(format)]; }

bool find_native_format(int32_t format, NativeFormat* native) {
  for (int i = 0; i < kNumNativeFormats; ++i) {
    if (kGeometries[i].format == format) {
      *native = static_cast<NativeFormat>(i);
      return true;
    }
  }
  return false;
}

}  // namespace msc::cpu
