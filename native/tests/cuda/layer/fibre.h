#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <ucontext.h>

namespace cuda_on_cpu {

/// A stack of its own and a place to go on from. Between fibres one jumps with _longjmp, which costs no system call.
class Fibre {
 public:
  Fibre();
  ~Fibre();
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  /// The next resume() starts `entry` anew; what the stack held is forgotten.
  void restart(void (*entry)()) {
    entry_ = entry;
    started_ = false;
  }
  /// From the scheduler: runs the fibre until it calls suspend().
  void resume();
  /// From the fibre: back to the scheduler.
  void suspend();

  bool has_on_stack(const void* address) const {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= stack_ && byte < stack_ + kStackBytes;
  }

 private:
  static constexpr size_t kStackBytes = 128 * 1024;
  std::byte* stack_;
  void (*entry_)() = nullptr;
  bool started_ = false;
  ucontext_t start_{};
  std::jmp_buf scheduler_;
  std::jmp_buf here_;
};

}  // namespace cuda_on_cpu
