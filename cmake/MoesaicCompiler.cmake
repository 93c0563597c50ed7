# Compiler and linker options common to everything native.

if(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  message(FATAL_ERROR
    "The native part needs GCC 12 or Clang 14, not ${CMAKE_CXX_COMPILER_ID}: set CXX (on Windows: clang-cl).")
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# -ffp-contract=off: a multiply-add is fused where the source says so and nowhere else, so that results do not
# depend on the compiler's taste.
set(MSC_COMPILE_OPTIONS -Wall -Wextra -Werror -fno-math-errno -ffp-contract=off)
set(MSC_LINK_OPTIONS "")

# Build type of the sanitizer presets: optimised enough for the op tests, with usable stacks.
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g -fno-omit-frame-pointer" CACHE STRING "")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g -fno-omit-frame-pointer" CACHE STRING "")

if(MSC_SANITIZE)
  list(APPEND MSC_COMPILE_OPTIONS -fsanitize=${MSC_SANITIZE} -fno-sanitize-recover=all)
  list(APPEND MSC_LINK_OPTIONS -fsanitize=${MSC_SANITIZE})
endif()

# Coverage for libFuzzer in all code; the fuzz programs alone link its main function.
if(MSC_BUILD_FUZZ)
  list(APPEND MSC_COMPILE_OPTIONS -fsanitize=fuzzer-no-link)
endif()
