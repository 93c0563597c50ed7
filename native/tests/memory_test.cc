#include "core/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace {

bool is_zero(const std::byte* data, uint64_t bytes) {
  return std::all_of(data, data + bytes, [](std::byte b) { return b == std::byte{0}; });
}

TEST(MemoryPool, BlocksAreAlignedZeroedAndApart) {
  msc::MemoryPool pool;
  std::vector<std::shared_ptr<std::byte>> blocks;
  const std::vector<uint64_t> sizes = {1, 63, 64, 65, 200'000, 5'000'000, 40'000'000, 3};
  for (const uint64_t size : sizes) {
    blocks.push_back(pool.allocate(size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back().get()) % 64, 0u);
    EXPECT_TRUE(is_zero(blocks.back().get(), size));
    std::fill_n(blocks.back().get(), size, static_cast<std::byte>(blocks.size()));
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].get()[0], static_cast<std::byte>(i + 1));
    EXPECT_EQ(blocks[i].get()[sizes[i] - 1], static_cast<std::byte>(i + 1));
  }
}

TEST(MemoryPool, BlocksOutliveTheirNeighboursAndThePool) {
  auto pool = std::make_unique<msc::MemoryPool>();
  std::shared_ptr<std::byte> first = pool->allocate(1000);
  std::shared_ptr<std::byte> second = pool->allocate(1000);
  second.get()[999] = std::byte{7};
  first.reset();
  pool.reset();
  EXPECT_EQ(second.get()[999], std::byte{7});
}

TEST(MemoryPool, StartsAfreshWhenAllBlocksAreGone) {
  msc::MemoryPool pool;
  for (int i = 0; i < 3; ++i) {
    const std::shared_ptr<std::byte> block = pool.allocate(100'000);
    EXPECT_TRUE(is_zero(block.get(), 100'000));
    std::fill_n(block.get(), 100'000, std::byte{1});
  }
}

}  // namespace
