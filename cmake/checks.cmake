# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Targets that look at the code and build nothing: format, format-check, lint.

file(GLOB_RECURSE weir_c_files CONFIGURE_DEPENDS include/*.h src/*.[ch] cli/*.[ch] tests/*.[ch] bench/*.[ch]
     examples/*.c fuzz/*.c)
find_program(CLANG_FORMAT clang-format)
find_program(CLANG_TIDY clang-tidy)

if(CLANG_FORMAT)
  add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${weir_c_files} VERBATIM)
  add_custom_target(format-check COMMAND ${CLANG_FORMAT} --dry-run --Werror ${weir_c_files} VERBATIM)
else()
  foreach(target format format-check)
    add_custom_target(${target} COMMAND ${CMAKE_COMMAND} -E echo "${target}: clang-format is not installed")
  endforeach()
endif()

if(CLANG_TIDY)
  # One file at a time keeps its memory small; the checks are in .clang-tidy.
  set(weir_lint_files ${weir_sources} ${weir_cli_sources})
  list(FILTER weir_lint_files INCLUDE REGEX "^${PROJECT_SOURCE_DIR}/")
  add_custom_target(lint COMMAND ${CLANG_TIDY} --quiet --extra-arg=-Wno-unknown-warning-option -p ${CMAKE_BINARY_DIR} ${weir_lint_files} VERBATIM)
else()
  add_custom_target(lint COMMAND ${CMAKE_COMMAND} -E echo "lint: clang-tidy is not installed")
endif()
