#include "core/mapped_file.h"

#include <algorithm>

#include "core/error.h"

namespace msc {

void check_file_range(const msc_mapped_file& file, uint64_t offset, uint64_t size, int32_t advice) {
  MSC_CHECK_ARGUMENT(advice == MSC_FILE_ADVICE_WILL_NEED || advice == MSC_FILE_ADVICE_DONT_NEED,
                     "advice is %d, expected a value of msc_file_advice", advice);
  MSC_CHECK_ARGUMENT(offset <= file.size_bytes && size <= file.size_bytes - offset,
                     "the range of %llu bytes at %llu reaches beyond the file's %llu bytes",
                     static_cast<unsigned long long>(size), static_cast<unsigned long long>(offset),
                     static_cast<unsigned long long>(file.size_bytes));
}

}  // namespace msc

#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int value) : value_(value) {}
  ~FileDescriptor() {
    if (value_ >= 0) {
      close(value_);
    }
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void throw_system_error(const char* verb, const char* path) {
  const int code = errno;
  const msc_status status = code == EMFILE || code == ENFILE || code == ENOMEM ? MSC_STATUS_OUT_OF_RESOURCE
                            : code == EIO                                      ? MSC_STATUS_REQUEST_FAILED
                                                                               : MSC_STATUS_BAD_ARGUMENT;
  msc::throw_error(status, "cannot %s '%s': %s", verb, path, std::strerror(code));
}

}  // namespace

msc_mapped_file::msc_mapped_file(const char* path) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer; regular files ignore it.
  const FileDescriptor file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    throw_system_error("open", path);
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) {
    throw_system_error("examine", path);
  }
  MSC_CHECK_ARGUMENT(S_ISREG(status.st_mode), "'%s' is not a regular file: only those can be mapped", path);
  size_bytes = static_cast<uint64_t>(status.st_size);
  if (size_bytes == 0) {
    return;
  }
  void* address = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) {
    throw_system_error("map", path);
  }
  data = static_cast<const std::byte*>(address);
}

msc_mapped_file::~msc_mapped_file() {
  if (data != nullptr) {
    munmap(const_cast<std::byte*>(data), size_bytes);
  }
}

void msc_mapped_file::advise(uint64_t offset, uint64_t size, int32_t advice) const {
  msc::check_file_range(*this, offset, size, advice);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const bool drop = advice == MSC_FILE_ADVICE_DONT_NEED;
  const uint64_t last = offset + size;
  uint64_t begin = drop ? (offset + page - 1) / page * page : offset / page * page;
  // The end of the file is a boundary too: nobody else lives behind it.
  uint64_t end = drop && last != size_bytes ? last / page * page : (last + page - 1) / page * page;
  end = std::min(end, (size_bytes + page - 1) / page * page);
  if (size == 0 || begin >= end) {
    return;
  }
  void* address = const_cast<std::byte*>(data) + begin;
  if (madvise(address, end - begin, drop ? MADV_DONTNEED : MADV_WILLNEED) != 0) {
    msc::throw_error(MSC_STATUS_REQUEST_FAILED, "the system refused the advice for %llu bytes at %llu: %s",
                     static_cast<unsigned long long>(end - begin), static_cast<unsigned long long>(begin),
                     std::strerror(errno));
  }
}

#endif
