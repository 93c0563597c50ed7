// Operations that the lanes of a warp do together. Not instrumented: they read what other lanes hold.
#include "tests/cuda/layer/cuda_target.h"

#include "tests/cuda/layer/block.h"
#include "tests/cuda/layer/fault.h"

namespace cuda_on_cpu {

void shuffle(void* const lanes[32], uint32_t) {
  uint64_t values[32] = {};
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes[lane] != nullptr) {
      values[lane] = static_cast<ShuffleLane*>(lanes[lane])->value;
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes[lane] != nullptr) {
      auto& mine = *static_cast<ShuffleLane*>(lanes[lane]);
      mine.outside = lanes[mine.source] == nullptr;
      mine.value = values[mine.source];
    }
  }
}

void vote(void* const lanes[32], uint32_t) {
  uint32_t ballot = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes[lane] != nullptr) {
      ballot |= *static_cast<uint32_t*>(lanes[lane]) << lane;
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes[lane] != nullptr) {
      *static_cast<uint32_t*>(lanes[lane]) = ballot;
    }
  }
}

uint64_t exchange(uint32_t mask, const char* operation, uint64_t value, unsigned source) {
  ShuffleLane mine{value, source & 31u, false};
  meet_in_warp(mask, operation, &mine, shuffle, false);
  if (mine.outside) {
    fail_thread(FaultKind::kUninitialised,
                std::string(operation) + " reads lane " + std::to_string(mine.source) + ", which its mask does not name");
  }
  return mine.value;
}

namespace {

template <class T>
T add(T* address, T value) {
  const T before = *address;
  *address = before + value;
  return before;
}

}  // namespace

int32_t atomic_add_unseen(int32_t* address, int32_t value) { return add(address, value); }
uint32_t atomic_add_unseen(uint32_t* address, uint32_t value) { return add(address, value); }
float atomic_add_unseen(float* address, float value) { return add(address, value); }
unsigned long long atomic_add_unseen(unsigned long long* address, unsigned long long value) { return add(address, value); }

}  // namespace cuda_on_cpu
