#include "core/mapped_file.h"

#include "abi/arguments.h"
#include "core/guard.h"

msc_status msc_mapped_file_open(const char* path, msc_mapped_file** file) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(path, "path");
    msc::check_pointer(file, "file");
    *file = new msc_mapped_file(path);
  });
}

msc_status msc_mapped_file_close(msc_mapped_file* file) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(file, "file");
    delete file;
  });
}

msc_status msc_mapped_file_view(const msc_mapped_file* file, const void** address, uint64_t* size_bytes) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(file, "file");
    msc::check_pointer(address, "address");
    msc::check_pointer(size_bytes, "size_bytes");
    *address = file->data;
    *size_bytes = file->size_bytes;
  });
}

msc_status msc_mapped_file_advise(msc_mapped_file* file, uint64_t offset_bytes, uint64_t size_bytes, int32_t advice) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(file, "file");
    file->advise(offset_bytes, size_bytes, advice);
  });
}
