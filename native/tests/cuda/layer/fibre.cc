// The checked longjmp refuses to leave for another stack.
#undef _FORTIFY_SOURCE
#include "tests/cuda/layer/fibre.h"

#include <sys/mman.h>

#include <new>

namespace cuda_on_cpu {
namespace {

constexpr size_t kGuardBytes = 4096;

}  // namespace

Fibre::Fibre() {
  void* memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    throw std::bad_alloc();
  }
  stack_ = static_cast<std::byte*>(memory) + kGuardBytes;
}

Fibre::~Fibre() { munmap(stack_ - kGuardBytes, kStackBytes + kGuardBytes); }

void Fibre::resume() {
  if (_setjmp(scheduler_) != 0) {
    return;
  }
  if (started_) {
    _longjmp(here_, 1);
  }
  started_ = true;
  getcontext(&start_);
  start_.uc_stack.ss_sp = stack_;
  start_.uc_stack.ss_size = kStackBytes;
  start_.uc_link = nullptr;
  makecontext(&start_, entry_, 0);
  setcontext(&start_);
}

void Fibre::suspend() {
  if (_setjmp(here_) == 0) {
    _longjmp(scheduler_, 1);
  }
}

}  // namespace cuda_on_cpu
