#pragma once

#include <vector>

namespace msc {

/// Processors that this process's thread pools have pinned workers to: no processor is handed out twice.
/// Destruction gives them back. Thread-safe.
class ProcessorLease {
 public:
  /// Takes up to `count` free processors of the caller's affinity mask, cores without a taken sibling first.
  explicit ProcessorLease(unsigned count);
  ~ProcessorLease();
  ProcessorLease(const ProcessorLease&) = delete;
  ProcessorLease& operator=(const ProcessorLease&) = delete;

  const std::vector<unsigned>& processors() const noexcept { return processors_; }

 private:
  std::vector<unsigned> processors_;
};

/// Binds the calling thread to one processor; false when the system refuses.
bool pin_this_thread(unsigned processor) noexcept;

}  // namespace msc
