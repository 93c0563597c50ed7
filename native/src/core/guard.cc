#include "core/guard.h"

#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "core/last_error.h"

namespace msc {
namespace {

struct LastError {
  std::string text;
  const char* fixed = nullptr;  // used instead of `text` when there was no memory for one
};

thread_local LastError last;

msc_status store(msc_status status, const char* entry, const char* text) noexcept {
  try {
    std::string full(entry);
    full += ": ";
    full += text;
    last.text = std::move(full);
    last.fixed = nullptr;
  } catch (...) {
    last.fixed = "an error occurred, and there is no memory for its text: free something and try again";
  }
  return status;
}

}  // namespace

std::string_view last_error() noexcept {
  return last.fixed != nullptr ? std::string_view(last.fixed) : std::string_view(last.text);
}

msc_status status_of_current_exception(const char* entry) noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return store(error.status(), entry, error.what());
  } catch (const std::bad_alloc&) {
    return store(MSC_STATUS_OUT_OF_RESOURCE, entry, "out of memory: free something and try again");
  } catch (const std::system_error& error) {
    const bool exhausted = error.code() == std::errc::resource_unavailable_try_again ||
                           error.code() == std::errc::not_enough_memory;
    return store(exhausted ? MSC_STATUS_OUT_OF_RESOURCE : MSC_STATUS_REQUEST_FAILED, entry, error.what());
  } catch (const std::exception& error) {
    return store(MSC_STATUS_REQUEST_FAILED, entry, error.what());
  } catch (...) {
    return store(MSC_STATUS_REQUEST_FAILED, entry, "an exception of unknown type was thrown inside the library");
  }
}

}  // namespace msc
