#pragma once

#include <string>

namespace msc {

/// A shared library opened at run time. Not closed: what CUDA's libraries register at exit does not survive that.
class SharedObject {
 public:
  /// @param name a file name for the system's search, or a path.
  /// Returns an empty object and the loader's reason when it cannot be opened.
  static SharedObject open(const std::string& name, std::string* reason);

  explicit operator bool() const noexcept { return handle_ != nullptr; }

  /// NULL when the library exports no such function.
  template <class Function>
  Function find(const char* symbol) const {
    return reinterpret_cast<Function>(find_address(symbol));
  }

 private:
  void* find_address(const char* symbol) const;

  void* handle_ = nullptr;
};

/// Folder of the file that this code is in, without a slash at its end; empty where the system does not tell.
std::string folder_of_this_library();

}  // namespace msc
