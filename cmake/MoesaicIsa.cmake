# Instruction sets by file name: a kernel's suffix says what it may use, every other file is baseline code.

set(MSC_FLAGS_AVX2 -mavx2 -mfma -mf16c -mbmi2)
set(MSC_FLAGS_AVXVNNI ${MSC_FLAGS_AVX2} -mavxvnni)
if(MSC_EMULATE_AVX512)
  # The AVX-512 intrinsics are functions built on AVX2 here (cpu/simd/avx512.h); their 64-byte vectors cross calls within
  # a file alone, and the alignment that template arguments drop is not relied on. What these programs prove is results,
  # so their kernels are compiled quickly rather than well.
  find_path(MSC_SIMDE_INCLUDE simde/x86/avx512.h)
  if(NOT MSC_SIMDE_INCLUDE)
    message(FATAL_ERROR "Emulating AVX-512 needs SIMDe: install libsimde-dev.")
  endif()
  list(APPEND MSC_FLAGS_AVX2 -Wno-psabi -Wno-ignored-attributes)
  set(MSC_FLAGS_AVXVNNI ${MSC_FLAGS_AVX2})
  set(MSC_FLAGS_AVX512 ${MSC_FLAGS_AVX2} -O1)
  set(MSC_FLAGS_AVX512VNNI ${MSC_FLAGS_AVX512})
  set(MSC_FLAGS_AVX512BF16 ${MSC_FLAGS_AVX512})
else()
  set(MSC_FLAGS_AVX512
    ${MSC_FLAGS_AVX2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
  set(MSC_FLAGS_AVX512VNNI ${MSC_FLAGS_AVX512} -mavx512vnni)
  set(MSC_FLAGS_AVX512BF16 ${MSC_FLAGS_AVX512} -mavx512bf16)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(MSC_IS_X86 TRUE)
else()
  set(MSC_IS_X86 FALSE)
endif()

# What this machine can run, as Linux names it; empty where it does not say.
set(MSC_CPU_FLAGS "")
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo MSC_CPU_FLAGS REGEX "^flags" LIMIT_COUNT 1)
  set(MSC_CPU_FLAGS "${MSC_CPU_FLAGS} ")
endif()
set(MSC_CPU_NAME_AVX2 avx2)
set(MSC_CPU_NAME_AVXVNNI avx_vnni)
set(MSC_CPU_NAME_AVX512 avx512f)
set(MSC_CPU_NAME_AVX512VNNI avx512_vnni)
set(MSC_CPU_NAME_AVX512BF16 avx512_bf16)

# Sets the options of the instruction-set files among the sources named by `list_name`; drops those files from the
# list where the processor family has none of them.
function(msc_apply_instruction_sets list_name)
  set(kept "")
  foreach(source IN LISTS ${list_name})
    if(source MATCHES "_(avx2|avx512|avx512vnni|avx512bf16|avxvnni)\\.cc$")
      if(NOT MSC_IS_X86)
        continue()
      endif()
      string(TOUPPER "${CMAKE_MATCH_1}" suffix)
      set(options ${MSC_FLAGS_${suffix}})
      # Instrumented kernels take minutes to compile: not worth it for those that can't run here.
      if(MSC_SANITIZE AND MSC_CPU_FLAGS AND NOT MSC_CPU_FLAGS MATCHES " ${MSC_CPU_NAME_${suffix}} ")
        list(APPEND options -fno-sanitize=all)
      endif()
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "${options}")
    endif()
    list(APPEND kept "${source}")
  endforeach()
  set(${list_name} "${kept}" PARENT_SCOPE)
endfunction()
