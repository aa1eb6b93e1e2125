# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# How every C file of the project is compiled: weir_flags (warnings, floating point, sanitizers), and
# weir_instruction_set_flags for kernels beyond the baseline of the processor family.

add_library(weir_sanitizers INTERFACE)
if(WEIR_SANITIZE)
  target_compile_options(weir_sanitizers INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(weir_sanitizers INTERFACE -fsanitize=${WEIR_SANITIZE})
  if(WEIR_SANITIZE MATCHES "undefined")
    target_compile_options(weir_sanitizers INTERFACE -fno-sanitize-recover=all)
  endif()
endif()

add_library(weir_flags INTERFACE)
target_link_libraries(weir_flags INTERFACE weir_sanitizers)
target_compile_definitions(weir_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(
  weir_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wstrict-prototypes
            -Wmissing-prototypes
            -Wold-style-definition
            -Wpointer-arith
            -Wwrite-strings
            -Wundef
            -Wvla
            -Wformat=2
            $<$<BOOL:${WEIR_WERROR}>:-Werror>
            $<$<C_COMPILER_ID:GNU>:-Wlogical-op>
            $<$<C_COMPILER_ID:GNU>:-Wduplicated-cond>
            # Text that does not fit (an error message) is cut on purpose.
            $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
            # Loops marked "omp simd" that the compiler could not vectorise are slow, not wrong.
            $<$<C_COMPILER_ID:Clang>:-Wno-pass-failed>
            # In a list of strings one may be written in two pieces.
            $<$<C_COMPILER_ID:Clang>:-Wno-string-concatenation>)
# Clones for processors with AVX-512 (src/core/clones.h) take whole vectors, where GCC would take halves.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  target_compile_options(weir_flags INTERFACE -mprefer-vector-width=512)
endif()
# Of OpenMP only "omp simd", which needs no runtime. Maths functions need not set errno and no one traps floating-point exceptions; otherwise arithmetic is IEEE 754's,
# and a·b + c is fused only where a kernel's instruction set asks for it.
target_compile_options(weir_flags INTERFACE -fopenmp-simd -fno-math-errno -fno-trapping-math -ffp-contract=off)

set(weir_flags_avx2 -mavx2 -mfma -ffp-contract=fast)
set(weir_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 -ffp-contract=fast)
set(weir_flags_avx512bf16 ${weir_flags_avx512} -mavx512bf16)
set(weir_flags_amx ${weir_flags_avx512bf16} -mamx-tile -mamx-bf16)

# Gives each source NAME_avx2.c, NAME_avx512.c … in the list the flags of its name; off x86-64 takes it out of the list.
function(weir_instruction_set_flags sources)
  set(kept)
  foreach(source ${${sources}})
    if(source MATCHES "_(avx2|avx512|avx512bf16|amx)\\.c$")
      set(instruction_set ${CMAKE_MATCH_1})
      if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
        continue()
      endif()
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${weir_flags_${instruction_set}}")
    endif()
    list(APPEND kept ${source})
  endforeach()
  set(${sources} ${kept} PARENT_SCOPE)
endfunction()
