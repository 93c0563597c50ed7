# Compiler and options of the fuzz programs (native/fuzz); included before project(), because libFuzzer is Clang's.

if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(MSC_FUZZ_CLANGXX NAMES clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
  find_program(MSC_FUZZ_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
  if(NOT MSC_FUZZ_CLANGXX OR NOT MSC_FUZZ_CLANG)
    message(FATAL_ERROR "The fuzz programs need Clang 14 or later and its runtime, and no clang++ was found: install them "
      "(on Debian: apt-get install clang-14 libclang-rt-14-dev) or set CC and CXX.")
  endif()
  set(CMAKE_CXX_COMPILER "${MSC_FUZZ_CLANGXX}" CACHE FILEPATH "")
  set(CMAKE_C_COMPILER "${MSC_FUZZ_CLANG}" CACHE FILEPATH "")
endif()

# Fails with one message where the compiler is not Clang or lacks libFuzzer's runtime; call it after project().
function(msc_require_libfuzzer)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "The fuzz programs need Clang, not ${CMAKE_CXX_COMPILER_ID} (${CMAKE_CXX_COMPILER}): unset CC and "
      "CXX or set them to clang and clang++, and configure in an empty folder.")
  endif()
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-fsanitize=fuzzer,address,undefined")
  check_cxx_source_compiles(
    "extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }" MSC_HAVE_LIBFUZZER)
  if(NOT MSC_HAVE_LIBFUZZER)
    string(REGEX MATCH "^[0-9]+" major "${CMAKE_CXX_COMPILER_VERSION}")
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} cannot link libFuzzer: install its runtime (on Debian: apt-get install "
      "libclang-rt-${major}-dev).")
  endif()
endfunction()
