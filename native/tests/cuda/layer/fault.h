#pragma once

#include <stdexcept>
#include <string>

namespace cuda_on_cpu {

/// What a kernel did wrong.
enum class FaultKind {
  kBounds,         // an address outside every allocation, or not a multiple of the access's size
  kBarrier,        // threads that wait for what never comes, or at different barriers
  kUninitialised,  // bytes that nobody wrote
  kRace,           // two threads, one of them writing, and nothing that orders them
  kLimit           // a launch that no device takes
};

/// Ends a launch; thrown to who launched.
class Fault : public std::runtime_error {
 public:
  Fault(FaultKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  FaultKind kind() const noexcept { return kind_; }

 private:
  FaultKind kind_;
};

}  // namespace cuda_on_cpu
