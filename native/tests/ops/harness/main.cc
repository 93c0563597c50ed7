// The op-test program: checks every case on every variant (GoogleTest), or times them (--time), or
// prints the machine's limits (--calibrate).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/ops/harness/calibration.h"
#include "tests/ops/harness/registry.h"

namespace optest {
namespace {

// Sanitized and emulated builds are slow; that results do not depend on the count is the other builds' business.
#if defined(__SANITIZE_THREAD__)
constexpr uint32_t kThreadCounts[] = {3};
#elif defined(__SANITIZE_ADDRESS__) || defined(MSC_EMULATE_AVX512)
constexpr uint32_t kThreadCounts[] = {2};
#else
constexpr uint32_t kThreadCounts[] = {1, 2, 3};
#endif

/// The case on one variant, with each of the thread counts.
class CaseTest : public testing::Test {
 public:
  CaseTest(const Case& the_case, const Variant& variant) : case_(the_case), variant_(variant) {}

  void TestBody() override {
    std::map<std::string, std::vector<uint32_t>> first;
    for (const uint32_t num_threads : kThreadCounts) {
      SCOPED_TRACE(std::to_string(num_threads) + " threads");
      // One of the counts through a graph: a launch must not change a bit either.
      const bool launches = num_threads == *std::rbegin(kThreadCounts);
      Session session(variant_, num_threads, case_.op + "." + case_.name, nullptr, launches);
      case_.body(session);
      if (HasFailure()) {
        return;
      }
      if (num_threads == kThreadCounts[0]) {
        first = session.output_bits();
      } else {
        ASSERT_TRUE(first == session.output_bits()) << "outputs depend on the number of threads";
      }
    }
  }

 private:
  const Case& case_;
  const Variant& variant_;
};

/// Stands for all cases of one op on a variant that this machine lacks.
class MissingVariantTest : public testing::Test {
 public:
  void TestBody() override { GTEST_SKIP() << "instruction set not on this machine"; }
};

template <class MakeTest>
void register_test(const std::string& op, const std::string& name, MakeTest make_test) {
  testing::RegisterTest(op.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [make_test]() -> testing::Test* { return make_test(); });
}

void register_tests() {
  std::set<std::string> ops;
  std::set<std::string> names;
  for (const Case& the_case : cases()) {
    if (!names.insert(the_case.op + "." + the_case.name).second) {
      throw std::logic_error("two cases are called " + the_case.op + "." + the_case.name);
    }
    for (const Variant& variant : all_variants()) {
      if (!the_case.timed_only && is_available(variant)) {
        register_test(the_case.op, the_case.name + "/" + variant.name,
                      [&the_case, &variant] { return new CaseTest(the_case, variant); });
      }
    }
    ops.insert(the_case.op);
  }
  for (const std::string& op : ops) {
    for (const Variant& variant : all_variants()) {
      if (!is_available(variant)) {
        register_test(op, std::string("all_cases/") + variant.name, [] { return new MissingVariantTest; });
      }
    }
  }
}

class Devices : public testing::Environment {
 public:
  void TearDown() override { EXPECT_EQ("", destroy_devices()); }
};

const char* value_of(const char* argument, const char* name) {
  const size_t length = std::strlen(name);
  return std::strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : nullptr;
}

struct Options {
  std::string filter;
  std::string variant;
  uint32_t num_threads = 0;
  double seconds = 0.2;
  bool calibrate = false;
};

/// --time [--filter=PART] or --calibrate, each with [--variant=NAME] [--threads=N] [--seconds=S]
Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (const char* part = value_of(argv[i], "--filter")) {
      options.filter = part;
    } else if (const char* name = value_of(argv[i], "--variant")) {
      options.variant = name;
    } else if (const char* threads = value_of(argv[i], "--threads")) {
      options.num_threads = static_cast<uint32_t>(std::atoi(threads));
    } else if (const char* limit = value_of(argv[i], "--seconds")) {
      options.seconds = std::atof(limit);
    } else if (std::strcmp(argv[i], "--calibrate") == 0) {
      options.calibrate = true;
    } else if (std::strcmp(argv[i], "--time") != 0) {
      throw std::invalid_argument(std::string("unknown option ") + argv[i]);
    }
  }
  return options;
}

void time_cases(const Options& options) {
  Timer timer(options.seconds);
  for (const Case& the_case : cases()) {
    const std::string full_name = the_case.op + "." + the_case.name;
    for (const Variant& variant : all_variants()) {
      const bool wanted = full_name.find(options.filter) != std::string::npos &&
                          (options.variant.empty() || options.variant == variant.name) && is_available(variant);
      if (wanted) {
        timer.begin_case(the_case.op, the_case.name);
        Session session(variant, options.num_threads, full_name, &timer);
        the_case.body(session);
      }
    }
  }
  timer.print();
}

/// Everything but checking; 1 when an op failed or something outlived its session.
int measure(const Options& options) {
  if (options.calibrate) {
    print_calibration(options.variant, options.num_threads, options.seconds);
  } else {
    time_cases(options);
  }
  const std::string problems = destroy_devices();
  std::fputs(problems.c_str(), stderr);
  return problems.empty() && !testing::Test::HasFailure() ? 0 : 1;
}

}  // namespace
}  // namespace optest

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    for (int i = 1; i < argc; ++i) {
      if (std::strcmp(argv[i], "--time") == 0 || std::strcmp(argv[i], "--calibrate") == 0) {
        return optest::measure(optest::parse(argc, argv));
      }
    }
    optest::register_tests();
    testing::AddGlobalTestEnvironment(new optest::Devices);
    return RUN_ALL_TESTS();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
