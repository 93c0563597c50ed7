#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda/layer/fibre.h"
#include "tests/cuda/layer/grid.h"

namespace cuda_on_cpu {

/// One thread of a block.
struct Thread {
  enum class State { kReady, kAtBlockBarrier, kInWarp, kDone };
  struct Copy {
    void* target;
    const void* source;
    unsigned bytes;
    unsigned valid_bytes;
  };

  Fibre fibre;
  State state = State::kDone;
  unsigned number = 0;
  Index3 index;
  // What it waits for.
  const char* file = "";
  int line = 0;
  uint32_t mask = 0;
  const char* operation = "";
  void* data = nullptr;
  void (*apply)(void* const*, uint32_t) = nullptr;
  bool is_barrier = false;
  // When it runs.
  Stamp stamp;
  uint32_t stamp_id = 0;
  WarpClock known{};
  // Copies in flight: the open group, then the committed ones.
  std::vector<Copy> open_copies;
  std::deque<std::vector<Copy>> groups;
};

/// Runs the blocks of one launch, one after another.
class BlockRunner {
 public:
  BlockRunner(Memory& memory, std::vector<std::unique_ptr<Thread>>& threads, const Launch& launch,
              void (*body)(const void*), const void* context);
  ~BlockRunner();

  void run(Index3 block, uint32_t number);

  const Launch& launch() const { return launch_; }
  Index3 block() const { return block_; }
  Thread& current() const { return *current_; }
  bool is_running() const { return current_ != nullptr; }
  Accessor accessor() const { return {current_->stamp_id, &current_->stamp, &current_->known}; }

  /// From a thread: back to the scheduler, which runs it again when `state` is over.
  void wait(Thread::State state);
  /// From a thread: the launch ends with the fault.
  void fail(std::exception_ptr fault);
  void check(const void* address, size_t bytes, Access access);
  void misaligned(const void* address, size_t bytes);
  void* shared_object(const char* file, int line, size_t bytes);
  void* dynamic_shared();
  /// What a thread runs.
  void thread_main();

 private:
  struct SharedObject {
    std::unique_ptr<std::byte[]> storage;
    std::byte* data;
    size_t bytes;
  };
  void* make_shared_object(const std::pair<std::string, int>& key, size_t bytes, const std::string& name);
  bool run_ready();
  bool open_block_barrier();
  bool open_warp(unsigned warp);
  void join_clocks(const std::vector<Thread*>& lanes);
  void restamp(Thread& thread);
  std::string describe(const Thread& thread) const;
  [[noreturn]] void stuck() const;

  Memory& memory_;
  std::vector<std::unique_ptr<Thread>>& threads_;
  const Launch& launch_;
  void (*body_)(const void*);
  const void* context_;
  unsigned num_threads_;
  Index3 block_;
  uint32_t block_number_ = 0;
  uint32_t phase_ = 0;
  Thread* current_ = nullptr;
  std::exception_ptr fault_;
  size_t shared_bytes_ = 0;
  std::map<std::pair<std::string, int>, SharedObject> shared_;
};

}  // namespace cuda_on_cpu
