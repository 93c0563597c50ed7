#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/cuda/layer/fault.h"
#include "tests/cuda/layer/memory.h"

/// Executes a grid on one thread of the host: blocks one after another, each thread of a block a fibre of its own that
/// runs until it waits. src/decisions/cuda-on-the-cpu.md says what this sees and what it does not.
namespace cuda_on_cpu {

struct Index3 {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};

/// In what order threads that can run do run. What a right kernel computes does not depend on it.
enum class Turns { kForward, kBackward };

struct Launch {
  const char* kernel = "";
  Index3 grid;
  Index3 block;
  size_t shared_bytes = 0;
  Turns turns = Turns::kForward;
};

/// Memory that launches see, and the order of turns; one for the process, since device code has no argument for it.
Memory& memory();
void set_turns(Turns turns);
/// Threads that have run to their end since the process started, by kernel.
uint64_t finished_threads(const std::string& kernel);

/// Memory for kernels, aligned as cudaMalloc aligns and filled with kFill, so that what a kernel leaves alone is the same
/// in every run; the host reaches it through the same pointer. Nothing counts as written.
inline constexpr unsigned char kFill = 0xA5;
void* allocate_global(size_t bytes, std::string name);
void free_global(void* address) noexcept;
/// Before the host follows a pointer that kernels were given. Throws what they did wrong.
void wait_for_kernels();
/// Whether Memory::count_initialised has seen each write. On a device it cannot: there it counts the bytes that differ from
/// kFill, of which a byte that was written may be none.
bool sees_every_write();

/// Runs `body(context)` for every thread of the grid. Throws Fault.
void run_grid(Launch launch, void (*body)(const void*), const void* context);

/// What one thread of the running block sees.
Index3 thread_index();
Index3 block_index();
Index3 block_size();
Index3 grid_size();
unsigned lane();

/// Waits for all threads of the block at the same place of the source.
void wait_for_block(const char* file, int line);

/// Waits for the lanes in `mask`, each of which must come with the same operation and mask; then `apply` runs once, with
/// each lane's data (NULL for lanes outside the mask). `is_barrier`: memory is ordered, too.
void meet_in_warp(uint32_t mask, const char* operation, void* data, void (*apply)(void* const lanes[32], uint32_t mask),
                  bool is_barrier);

/// The block's one object for a declaration at `file` and `line`; the same for all of its threads.
void* shared_object(const char* file, int line, size_t bytes);
/// The launch's dynamic shared memory.
void* dynamic_shared();

/// A plain access by the running thread; nothing when no kernel runs or the address is the thread's own stack.
void on_access(const void* address, size_t bytes, Access access);
/// The same for an access that the device refuses unless the address is a multiple of its size.
void on_aligned_access(const void* address, size_t bytes, Access access);

/// Ends the launch in the name of the running thread.
void fail_thread(FaultKind kind, const std::string& text);

/// Copies to shared memory that land when they are waited for.
void copy_async(void* shared, const void* global, unsigned bytes, unsigned valid_bytes);
void commit_copies();
/// Waits until at most `pending` groups of the thread are in flight.
void wait_for_copies(unsigned pending);

}  // namespace cuda_on_cpu
