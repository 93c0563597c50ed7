#include "tests/cuda/layer/grid.h"

#include <cstring>
#include <map>
#include <string>

#include "tests/cuda/layer/block.h"
#include "tests/cuda/layer/fault.h"

namespace cuda_on_cpu {
namespace {

constexpr unsigned kMaxThreads = 1024;

struct World {
  Memory memory;
  Turns turns = Turns::kForward;
  std::vector<std::unique_ptr<Thread>> threads;  // kept, since their stacks are
  std::map<std::string, uint64_t> finished;
  BlockRunner* runner = nullptr;
};

World& world() {
  static World instance;
  return instance;
}

BlockRunner& runner() { return *world().runner; }

void check_shape(const Launch& launch) {
  const uint64_t threads = uint64_t{launch.block.x} * launch.block.y * launch.block.z;
  const bool grid_fits = launch.grid.x > 0 && launch.grid.x <= 0x7FFFFFFFu && launch.grid.y > 0 && launch.grid.y <= 65535 &&
                         launch.grid.z > 0 && launch.grid.z <= 65535;
  if (!grid_fits || threads == 0 || threads > kMaxThreads || launch.block.z > 64) {
    throw Fault(FaultKind::kLimit, std::string(launch.kernel) + ": no device takes a grid of " + std::to_string(launch.grid.x) +
                                       "x" + std::to_string(launch.grid.y) + "x" + std::to_string(launch.grid.z) +
                                       " blocks of " + std::to_string(threads) + " threads");
  }
}

}  // namespace

Memory& memory() { return world().memory; }
void set_turns(Turns turns) { world().turns = turns; }

uint64_t finished_threads(const std::string& kernel) {
  const auto found = world().finished.find(kernel);
  return found == world().finished.end() ? 0 : found->second;
}

void run_grid(Launch launch, void (*body)(const void*), const void* context) {
  World& here = world();
  check_shape(launch);
  launch.turns = here.turns;
  here.memory.order().begin_launch();
  BlockRunner blocks(here.memory, here.threads, launch, body, context);
  struct Running {
    World& world;
    ~Running() { world.runner = nullptr; }
  } running{here};
  here.runner = &blocks;
  uint32_t number = 0;
  for (unsigned z = 0; z < launch.grid.z; ++z) {
    for (unsigned y = 0; y < launch.grid.y; ++y) {
      for (unsigned x = 0; x < launch.grid.x; ++x) {
        blocks.run({x, y, z}, number++);
      }
    }
  }
  here.finished[launch.kernel] += uint64_t{number} * launch.block.x * launch.block.y * launch.block.z;
}

Index3 thread_index() { return runner().current().index; }
Index3 block_index() { return runner().block(); }
Index3 block_size() { return runner().launch().block; }
Index3 grid_size() { return runner().launch().grid; }
unsigned lane() { return runner().current().number % 32; }

void wait_for_block(const char* file, int line) {
  Thread& thread = runner().current();
  thread.file = file;
  thread.line = line;
  runner().wait(Thread::State::kAtBlockBarrier);
}

void meet_in_warp(uint32_t mask, const char* operation, void* data, void (*apply)(void* const lanes[32], uint32_t mask),
                  bool is_barrier) {
  Thread& thread = runner().current();
  thread.mask = mask;
  thread.operation = operation;
  thread.data = data;
  thread.apply = apply;
  thread.is_barrier = is_barrier;
  runner().wait(Thread::State::kInWarp);
}

void* shared_object(const char* file, int line, size_t bytes) { return runner().shared_object(file, line, bytes); }
void* dynamic_shared() { return runner().dynamic_shared(); }

void fail_thread(FaultKind kind, const std::string& text) {
  const std::string where = std::string(runner().launch().kernel) + ": thread " + std::to_string(runner().current().number);
  runner().fail(std::make_exception_ptr(Fault(kind, where + ": " + text)));
}

void on_access(const void* address, size_t bytes, Access access) {
  BlockRunner* blocks = world().runner;
  if (blocks == nullptr || !blocks->is_running() || blocks->current().fibre.has_on_stack(address)) {
    return;
  }
  blocks->check(address, bytes, access);
}

void on_aligned_access(const void* address, size_t bytes, Access access) {
  BlockRunner* blocks = world().runner;
  if (blocks == nullptr || !blocks->is_running() || blocks->current().fibre.has_on_stack(address)) {
    return;
  }
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    blocks->misaligned(address, bytes);
  }
  blocks->check(address, bytes, access);
}

void copy_async(void* shared, const void* global, unsigned bytes, unsigned valid_bytes) {
  if (valid_bytes > 0) {
    on_aligned_access(global, valid_bytes, Access::kRead);
  }
  on_aligned_access(shared, bytes, Access::kWrite);
  world().memory.set_in_flight(shared, bytes);
  runner().current().open_copies.push_back({shared, global, bytes, valid_bytes});
}

void commit_copies() {
  Thread& thread = runner().current();
  thread.groups.push_back(std::move(thread.open_copies));
  thread.open_copies.clear();
}

void wait_for_copies(unsigned pending) {
  Thread& thread = runner().current();
  while (thread.groups.size() > pending) {
    for (const Thread::Copy& copy : thread.groups.front()) {
      on_access(copy.target, copy.bytes, Access::kWrite);
      std::memset(copy.target, 0, copy.bytes);
      std::memcpy(copy.target, copy.source, copy.valid_bytes);
    }
    thread.groups.pop_front();
  }
}

}  // namespace cuda_on_cpu
