# Instruction sets by file name: a kernel's suffix says what it may use, every other file is baseline code.

set(MSC_FLAGS_AVX2 -mavx2 -mfma -mf16c -mbmi2)
set(MSC_FLAGS_AVXVNNI ${MSC_FLAGS_AVX2} -mavxvnni)
if(MSC_EMULATE_AVX512)
  # The AVX-512 intrinsics are functions built on AVX2 here (cpu/simd/avx512.h); their 64-byte vectors never cross a
  # call, and the alignment that template arguments drop is not relied on.
  find_path(MSC_SIMDE_INCLUDE simde/x86/avx512.h)
  if(NOT MSC_SIMDE_INCLUDE)
    message(FATAL_ERROR "Emulating AVX-512 needs SIMDe: install libsimde-dev.")
  endif()
  list(APPEND MSC_FLAGS_AVX2 -Wno-psabi -Wno-ignored-attributes)
  set(MSC_FLAGS_AVXVNNI ${MSC_FLAGS_AVX2})
  set(MSC_FLAGS_AVX512 ${MSC_FLAGS_AVX2})
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
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "${MSC_FLAGS_${suffix}}")
    endif()
    list(APPEND kept "${source}")
  endforeach()
  set(${list_name} "${kept}" PARENT_SCOPE)
endfunction()
