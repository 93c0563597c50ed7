#include "core/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace {

/// A folder that looks like the root of a system with control groups.
class FakeRoot {
 public:
  FakeRoot() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) / (std::string("moesaic_cgroup_") + test->name());
    std::filesystem::remove_all(path_);
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }

  void write(const std::string& file, const std::string& text) const {
    const auto full = path_ / file;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  msc::CgroupLimits read() const { return msc::read_cgroup_limits(path_.string()); }

 private:
  std::filesystem::path path_;
};

constexpr const char* kV2Mount = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";

TEST(Cgroup, NothingToReadLimitsNothing) {
  const FakeRoot root;
  EXPECT_EQ(0, root.read().processors);
  EXPECT_EQ(0u, root.read().memory_bytes);
}

TEST(Cgroup, Version2TakesTheLowestLimitOnThePath) {
  const FakeRoot root;
  root.write("proc/self/mountinfo", kV2Mount);
  root.write("proc/self/cgroup", "0::/pod/container");
  root.write("sys/fs/cgroup/pod/cpu.max", "150000 100000");
  root.write("sys/fs/cgroup/pod/memory.max", "max");
  root.write("sys/fs/cgroup/pod/container/cpu.max", "max 100000");
  root.write("sys/fs/cgroup/pod/container/memory.max", "1073741824");
  EXPECT_DOUBLE_EQ(1.5, root.read().processors);
  EXPECT_EQ(uint64_t{1} << 30, root.read().memory_bytes);
}

TEST(Cgroup, Version1ReadsQuotaOverPeriod) {
  const FakeRoot root;
  root.write("proc/self/mountinfo",
             "30 24 0:26 /docker/1 /sys/fs/cgroup/cpu,cpuacct ro shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
             "31 24 0:27 /docker/1 /sys/fs/cgroup/memory ro shared:9 - cgroup cgroup rw,memory");
  root.write("proc/self/cgroup", "4:cpu,cpuacct:/docker/1\n5:memory:/docker/1");
  root.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000");
  root.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_DOUBLE_EQ(3, root.read().processors);
  EXPECT_EQ(0u, root.read().memory_bytes) << "the number that stands for no limit";
}

TEST(Cgroup, NoQuotaIsNoLimit) {
  const FakeRoot root;
  root.write("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu");
  root.write("proc/self/cgroup", "4:cpu:/");
  root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(0, root.read().processors);
}

TEST(Cgroup, RubbishIsIgnored) {
  const FakeRoot root;
  root.write("proc/self/mountinfo", "rubbish\n1 2 - \n" + std::string(kV2Mount));
  root.write("proc/self/cgroup", "no colons\n0::/");
  root.write("sys/fs/cgroup/cpu.max", "a b c");
  root.write("sys/fs/cgroup/memory.max", "-5");
  EXPECT_EQ(0, root.read().processors);
  EXPECT_EQ(0u, root.read().memory_bytes);
}

}  // namespace
