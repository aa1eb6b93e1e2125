# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Makes examples.c in the build folder from examples/**/*.yaml: each file as an array of bytes, since a string literal
# may be limited to 4095 of them. Included, it adds that file to weir_sources; run as a script by the build
# (cmake -DOUT=FILE -DFOLDER=examples -DFILES=a.yaml,b/c.yaml -P embed_examples.cmake), it writes it. A file in a folder
# is named with it: b/c.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  file(GLOB_RECURSE weir_examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.yaml)
  list(JOIN weir_examples "," files)
  set(table ${PROJECT_BINARY_DIR}/examples.c)
  add_custom_command(
    OUTPUT ${table}
    COMMAND ${CMAKE_COMMAND} -DOUT=${table} -DFOLDER=${PROJECT_SOURCE_DIR}/examples -DFILES=${files} -P ${PROJECT_SOURCE_DIR}/cmake/embed_examples.cmake
    DEPENDS ${weir_examples} ${PROJECT_SOURCE_DIR}/cmake/embed_examples.cmake
    COMMENT "Embedding the examples"
    VERBATIM)
  set_source_files_properties(${table} PROPERTIES INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/src/config)
  list(APPEND weir_sources ${table})
  return()
endif()

string(REPLACE "," ";" files "${FILES}")
set(arrays)
set(rows)
string(REPEAT "0x..," 20 line)
foreach(file ${files})
  file(RELATIVE_PATH name ${FOLDER} ${file})
  string(REGEX REPLACE "[.]yaml$" "" name ${name})
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes ${bytes})
  string(REGEX REPLACE "(${line})" "\\1\n    " bytes ${bytes})
  string(APPEND arrays "static const unsigned char ${symbol}[] = {\n    ${bytes}0};\n\n")
  string(APPEND rows "    {\"${name}\", (const char *)${symbol}},\n")
endforeach()
file(WRITE ${OUT} "// Made from examples/ by cmake/embed_examples.cmake.\n\n#include \"examples.h\"\n\n"
                  "${arrays}const weir__example weir__examples[] = {\n${rows}};\n"
                  "const size_t weir__example_count = sizeof weir__examples / sizeof *weir__examples;\n")
