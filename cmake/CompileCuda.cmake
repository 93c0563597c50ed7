# Compiles one CUDA source: cmake -DNVCC= -DHOST= -DSOURCE= -DOBJECT= -DROOT= -DREPORT= -P CompileCuda.cmake
get_filename_component(folder "${OBJECT}" DIRECTORY)
file(MAKE_DIRECTORY "${folder}")
execute_process(
  COMMAND "${NVCC}" -ccbin "${HOST}" -std=c++20 -O3 -fmad=false -gencode=arch=compute_90a,code=sm_90a
          -gencode=arch=compute_80,code=compute_80 -Xptxas=-v,-warn-spills -Xcompiler=-fPIC,-fvisibility=hidden,-Wall
          -DMSC_BUILDING "-I${ROOT}" "-I${ROOT}/include" "-I${ROOT}/src" "-I${ROOT}/src/cuda/target"
          -MD -MF "${OBJECT}.d" -MT "${OBJECT}" -c "${SOURCE}" -o "${OBJECT}"
  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "nvcc failed on ${SOURCE}:\n${output}")
endif()
file(WRITE "${REPORT}" "${output}")
string(REGEX MATCHALL "[^\n]*warning[^\n]*" warnings "${output}")
if(warnings)
  message(FATAL_ERROR "${SOURCE} compiles with warnings:\n${warnings}")
endif()
