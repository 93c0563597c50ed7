#include "core/cuda/shared_object.h"

#if defined(__linux__)
#include <dlfcn.h>

#include <filesystem>
#include <system_error>
#endif

namespace msc {

#if defined(__linux__)

SharedObject SharedObject::open(const std::string& name, std::string* reason) {
  SharedObject object;
  object.handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object.handle_ == nullptr) {
    const char* text = dlerror();
    *reason = text == nullptr ? "the system's loader gave no reason" : text;
  }
  return object;
}

void* SharedObject::find_address(const char* symbol) const { return dlsym(handle_, symbol); }

std::string folder_of_this_library() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&folder_of_this_library), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(info.dli_fname, error);
  return error ? std::string() : path.lexically_normal().parent_path().string();
}

#else

SharedObject SharedObject::open(const std::string&, std::string* reason) {
  *reason = "CUDA devices are reached on Linux only";
  return {};
}

void* SharedObject::find_address(const char*) const { return nullptr; }

std::string folder_of_this_library() { return {}; }

#endif

}  // namespace msc
