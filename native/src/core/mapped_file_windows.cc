// Written against the Windows API's documentation; not yet compiled or run on Windows.
#if defined(_WIN32)

#include <windows.h>
// windows.h first
#include <memoryapi.h>

#include <string>

#include "core/error.h"
#include "core/mapped_file.h"

namespace msc {
void check_file_range(const msc_mapped_file& file, uint64_t offset, uint64_t size, int32_t advice);
}

namespace {

[[noreturn]] void throw_system_error(const char* verb, const char* path) {
  const DWORD code = GetLastError();
  const msc_status status = code == ERROR_NOT_ENOUGH_MEMORY || code == ERROR_TOO_MANY_OPEN_FILES
                                ? MSC_STATUS_OUT_OF_RESOURCE
                                : MSC_STATUS_BAD_ARGUMENT;
  msc::throw_error(status, "cannot %s '%s': system error %lu", verb, path, static_cast<unsigned long>(code));
}

std::wstring wide(const char* path) {
  const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, nullptr, 0);
  MSC_CHECK_ARGUMENT(length > 0, "the path is not valid UTF-8");
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, result.data(), length);
  return result;
}

struct Handle {
  HANDLE value;
  ~Handle() {
    if (value != INVALID_HANDLE_VALUE) {
      CloseHandle(value);
    }
  }
};

}  // namespace

msc_mapped_file::msc_mapped_file(const char* path) {
  const Handle file{CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) {
    throw_system_error("open", path);
  }
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.value, &size)) {
    throw_system_error("examine", path);
  }
  size_bytes = static_cast<uint64_t>(size.QuadPart);
  if (size_bytes == 0) {
    return;
  }
  mapping_ = CreateFileMappingW(file.value, nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (mapping_ == nullptr) {
    throw_system_error("map", path);
  }
  data = static_cast<const std::byte*>(MapViewOfFile(mapping_, FILE_MAP_READ, 0, 0, 0));
  if (data == nullptr) {
    const DWORD code = GetLastError();
    CloseHandle(mapping_);
    SetLastError(code);
    throw_system_error("map", path);
  }
}

msc_mapped_file::~msc_mapped_file() {
  if (data != nullptr) {
    UnmapViewOfFile(data);
    CloseHandle(mapping_);
  }
}

void msc_mapped_file::advise(uint64_t offset, uint64_t size, int32_t advice) const {
  msc::check_file_range(*this, offset, size, advice);
  if (size == 0) {
    return;
  }
  void* address = const_cast<std::byte*>(data) + offset;
  if (advice == MSC_FILE_ADVICE_WILL_NEED) {
    WIN32_MEMORY_RANGE_ENTRY range{address, static_cast<SIZE_T>(size)};
    PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0);
  } else {
    // Unlocking pages that are not locked removes them from the working set (VirtualUnlock, Remarks).
    VirtualUnlock(address, static_cast<SIZE_T>(size));
  }
}

#endif
