#include "moesaic/base.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "abi/arguments.h"
#include "core/guard.h"
#include "core/last_error.h"

namespace {

constexpr std::string_view kBuildInfo =
    "moesaic " MSC_VERSION
#if defined(__clang__)
    ", clang " __clang_version__
#else
    ", gcc " __VERSION__
#endif
#if defined(__x86_64__)
    ", x86-64"
#elif defined(__aarch64__)
    ", arm64"
#endif
    ", " MSC_BUILD_TYPE
#ifdef MSC_EMULATE_AVX512
    ", AVX-512 emulated"
#endif
#ifdef MSC_FAULT_INJECTION
    ", fault injection"
#endif
    ;

void copy_text(std::string_view source, char* text, uint64_t capacity, uint64_t* length) {
  if (capacity > 0) {
    msc::check_pointer(text, "text");
    const size_t copied = static_cast<size_t>(std::min<uint64_t>(source.size(), capacity - 1));
    std::memcpy(text, source.data(), copied);
    text[copied] = '\0';
  }
  if (length != nullptr) {
    *length = source.size();
  }
}

}  // namespace

msc_status msc_last_error_copy(char* text, uint64_t capacity, uint64_t* length) {
  return msc::guard(__func__, [&] { copy_text(msc::last_error(), text, capacity, length); });
}

msc_status msc_abi_version(uint32_t* version) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(version, "version");
    *version = MSC_ABI_VERSION;
  });
}

msc_status msc_build_info_copy(char* text, uint64_t capacity, uint64_t* length) {
  return msc::guard(__func__, [&] { copy_text(kBuildInfo, text, capacity, length); });
}
