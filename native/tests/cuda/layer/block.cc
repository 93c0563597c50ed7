#include "tests/cuda/layer/block.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "tests/cuda/layer/fault.h"

namespace cuda_on_cpu {
namespace {

// What a block of compute capability 9.0 may have (CUDA C++ Programming Guide, table of technical specifications).
constexpr size_t kMaxSharedBytes = 227 * 1024;
constexpr size_t kSharedAlignment = 128;

BlockRunner* running = nullptr;
void enter_thread() { running->thread_main(); }

}  // namespace

BlockRunner::BlockRunner(Memory& memory, std::vector<std::unique_ptr<Thread>>& threads, const Launch& launch,
                         void (*body)(const void*), const void* context)
    : memory_(memory),
      threads_(threads),
      launch_(launch),
      body_(body),
      context_(context),
      num_threads_(launch.block.x * launch.block.y * launch.block.z) {
  running = this;
  while (threads_.size() < num_threads_) {
    threads_.push_back(std::make_unique<Thread>());
  }
}

BlockRunner::~BlockRunner() {
  memory_.drop_shared();
  running = nullptr;
}

void BlockRunner::thread_main() {
  body_(context_);
  if (!current_->open_copies.empty() || !current_->groups.empty()) {
    fail(std::make_exception_ptr(
        Fault(FaultKind::kBarrier, describe(*current_) + " ends with copies in flight that it never waited for")));
  }
  wait(Thread::State::kDone);
}

void BlockRunner::run(Index3 block, uint32_t number) {
  block_ = block;
  block_number_ = number;
  phase_ = 0;
  shared_bytes_ = 0;
  shared_.clear();
  memory_.drop_shared();
  if (launch_.shared_bytes > 0) {
    make_shared_object({"", 0}, launch_.shared_bytes, "dynamic shared memory");
  }
  for (unsigned i = 0; i < num_threads_; ++i) {
    Thread& thread = *threads_[i];
    thread.fibre.restart(enter_thread);
    thread.state = Thread::State::kReady;
    thread.number = i;
    thread.index = {i % launch_.block.x, i / launch_.block.x % launch_.block.y, i / (launch_.block.x * launch_.block.y)};
    thread.known = {};
    thread.open_copies.clear();
    thread.groups.clear();
    restamp(thread);
  }
  for (;;) {
    bool progress = run_ready();
    for (unsigned warp = 0; warp * 32 < num_threads_; ++warp) {
      progress |= open_warp(warp);
    }
    progress |= open_block_barrier();
    const auto is_done = [](const auto& thread) { return thread->state == Thread::State::kDone; };
    if (std::all_of(threads_.begin(), threads_.begin() + num_threads_, is_done)) {
      return;
    }
    if (!progress) {
      stuck();
    }
  }
}

bool BlockRunner::run_ready() {
  bool progress = false;
  for (unsigned i = 0; i < num_threads_; ++i) {
    Thread& thread = *threads_[launch_.turns == Turns::kForward ? i : num_threads_ - 1 - i];
    if (thread.state == Thread::State::kReady) {
      progress = true;
      current_ = &thread;
      thread.fibre.resume();
      current_ = nullptr;
      if (fault_ != nullptr) {
        std::rethrow_exception(fault_);
      }
    }
  }
  return progress;
}

void BlockRunner::wait(Thread::State state) {
  Thread& thread = *current_;
  thread.state = state;
  thread.fibre.suspend();
}

void BlockRunner::fail(std::exception_ptr fault) {
  fault_ = std::move(fault);
  current_->fibre.suspend();
}

bool BlockRunner::open_block_barrier() {
  Thread* first = nullptr;
  Thread* gone = nullptr;
  for (unsigned i = 0; i < num_threads_; ++i) {
    Thread& thread = *threads_[i];
    if (thread.state == Thread::State::kDone) {
      gone = &thread;
    } else if (thread.state != Thread::State::kAtBlockBarrier) {
      return false;
    } else if (first == nullptr) {
      first = &thread;
    } else if (thread.line != first->line || std::strcmp(thread.file, first->file) != 0) {
      throw Fault(FaultKind::kBarrier, describe(*first) + ", but " + describe(thread));
    }
  }
  if (first == nullptr) {
    return false;
  }
  if (gone != nullptr) {
    throw Fault(FaultKind::kBarrier, describe(*first) + ", but " + describe(*gone));
  }
  ++phase_;
  for (unsigned i = 0; i < num_threads_; ++i) {
    threads_[i]->state = Thread::State::kReady;
    restamp(*threads_[i]);
  }
  return true;
}

bool BlockRunner::open_warp(unsigned warp) {
  bool progress = false;
  for (unsigned i = warp * 32; i < std::min(warp * 32 + 32, num_threads_); ++i) {
    Thread& first = *threads_[i];
    if (first.state != Thread::State::kInWarp) {
      continue;
    }
    if ((first.mask >> (i % 32) & 1) == 0) {
      throw Fault(FaultKind::kBarrier, describe(first) + ", whose mask does not name the thread itself");
    }
    void* data[32] = {};
    std::vector<Thread*> lanes;
    bool all_here = true;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((first.mask >> lane & 1) == 0) {
        continue;
      }
      const unsigned number = warp * 32 + lane;
      if (number >= num_threads_ || threads_[number]->state == Thread::State::kDone) {
        throw Fault(FaultKind::kBarrier, describe(first) + ", whose mask names lane " + std::to_string(lane) +
                                             " that does not exist or has left the kernel");
      }
      Thread& other = *threads_[number];
      if (other.state != Thread::State::kInWarp) {
        all_here = false;
        break;
      }
      if (other.mask != first.mask || std::strcmp(other.operation, first.operation) != 0) {
        throw Fault(FaultKind::kBarrier, describe(first) + ", but " + describe(other));
      }
      data[lane] = other.data;
      lanes.push_back(&other);
    }
    if (!all_here) {
      continue;
    }
    if (first.apply != nullptr) {
      first.apply(data, first.mask);
    }
    if (first.is_barrier) {
      join_clocks(lanes);
    }
    for (Thread* thread : lanes) {
      thread->state = Thread::State::kReady;
    }
    progress = true;
  }
  return progress;
}

void BlockRunner::join_clocks(const std::vector<Thread*>& lanes) {
  WarpClock joint{};
  for (Thread* thread : lanes) {
    ++thread->known[thread->number % 32];
    for (size_t i = 0; i < joint.size(); ++i) {
      joint[i] = std::max(joint[i], thread->known[i]);
    }
  }
  for (Thread* thread : lanes) {
    thread->known = joint;
    restamp(*thread);
  }
}

void BlockRunner::restamp(Thread& thread) {
  thread.stamp = {memory_.order().launch(), block_number_, phase_, thread.number, thread.known[thread.number % 32]};
  thread.stamp_id = memory_.order().add(thread.stamp);
}

void BlockRunner::check(const void* address, size_t bytes, Access access) {
  // Not thrown through device code: its frames lie on another stack.
  std::exception_ptr fault;
  try {
    memory_.check(address, bytes, access, accessor());
  } catch (const Fault& found) {
    fault = std::make_exception_ptr(Fault(found.kind(), std::string(launch_.kernel) + ": " + found.what()));
  }
  if (fault != nullptr) {
    fail(std::move(fault));
  }
}

void BlockRunner::misaligned(const void* address, size_t bytes) {
  std::ostringstream text;
  text << describe(*current_) << " accesses " << bytes << " bytes at " << address << ", which is no multiple of " << bytes;
  fail(std::make_exception_ptr(Fault(FaultKind::kBounds, text.str())));
}

void* BlockRunner::make_shared_object(const std::pair<std::string, int>& key, size_t bytes, const std::string& name) {
  shared_bytes_ += (bytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
  if (shared_bytes_ > kMaxSharedBytes) {
    throw Fault(FaultKind::kLimit, std::string(launch_.kernel) + ": " + std::to_string(shared_bytes_) +
                                       " bytes of shared memory, a block may have " + std::to_string(kMaxSharedBytes));
  }
  SharedObject object;
  object.storage = std::make_unique<std::byte[]>(bytes + 2 * kSharedAlignment);
  const auto address = reinterpret_cast<uintptr_t>(object.storage.get());
  object.data = object.storage.get() + (kSharedAlignment - address % kSharedAlignment);
  object.bytes = bytes;
  memory_.add_shared(object.data, bytes, name);
  return shared_.emplace(key, std::move(object)).first->second.data;
}

void* BlockRunner::shared_object(const char* file, int line, size_t bytes) {
  const std::pair<std::string, int> key(file, line);
  const auto known = shared_.find(key);
  if (known != shared_.end()) {
    return known->second.data;
  }
  std::exception_ptr fault;
  try {
    return make_shared_object(key, bytes, "shared memory of line " + std::to_string(line));
  } catch (const Fault&) {
    fault = std::current_exception();
  }
  fail(std::move(fault));
  return nullptr;
}

void* BlockRunner::dynamic_shared() {
  const auto found = shared_.find({"", 0});
  if (found == shared_.end()) {
    fail(std::make_exception_ptr(
        Fault(FaultKind::kLimit, std::string(launch_.kernel) + " uses dynamic shared memory, but was launched with none")));
    return nullptr;
  }
  return found->second.data;
}

std::string BlockRunner::describe(const Thread& thread) const {
  std::ostringstream text;
  text << launch_.kernel << ": block " << block_number_ << " thread " << thread.number;
  switch (thread.state) {
    case Thread::State::kAtBlockBarrier:
      text << " waits for its block at " << thread.file << ":" << thread.line;
      break;
    case Thread::State::kInWarp:
      text << " waits in " << thread.operation << " for lanes 0x" << std::hex << thread.mask;
      break;
    case Thread::State::kDone:
      text << " has left the kernel";
      break;
    default:
      break;
  }
  return text.str();
}

void BlockRunner::stuck() const {
  std::string text = "nothing can go on: ";
  std::string last;
  for (unsigned i = 0; i < num_threads_; ++i) {
    const Thread& thread = *threads_[i];
    const std::string place = std::to_string(static_cast<int>(thread.state)) + thread.operation + std::to_string(thread.line);
    if (place != last) {
      text += describe(thread) + "; ";
      last = place;
    }
  }
  throw Fault(FaultKind::kBarrier, text);
}

}  // namespace cuda_on_cpu
