# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The libraries that weir uses, all from packages, and one message that names every missing one.
# weir_dependencies: what the library links to. weir_private_libraries: the same as flags, for weir.pc.

set(weir_missing)
set(weir_modules openblas jansson yaml-0.1 zlib) # names of pkg-config
set(weir_tool_modules)
if(WEIR_TOOL)
  set(weir_tool_modules libcurl libcrypto)
endif()
set(weir_test_modules)
if(WEIR_TESTS)
  set(weir_test_modules cmocka)
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
include(CheckIncludeFile)
check_include_file(Random123/philox.h WEIR_HAVE_RANDOM123)
if(NOT WEIR_HAVE_RANDOM123)
  unset(WEIR_HAVE_RANDOM123 CACHE) # look again after it was installed
  list(APPEND weir_missing Random123)
endif()
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  foreach(module ${weir_modules} ${weir_tool_modules} ${weir_test_modules})
    pkg_check_modules(${module} QUIET IMPORTED_TARGET ${module})
    if(NOT ${module}_FOUND)
      list(APPEND weir_missing ${module})
    endif()
  endforeach()
else()
  list(APPEND weir_missing pkg-config)
endif()
if(weir_missing)
  list(JOIN weir_missing ", " weir_missing)
  message(FATAL_ERROR "Not found: ${weir_missing}. On Debian and its relatives scripts/install-dependencies installs "
                      "what is missing; elsewhere install the development packages of these libraries.")
endif()

set(weir_dependencies Threads::Threads m)
set(weir_private_libraries)
foreach(module ${weir_modules})
  list(APPEND weir_dependencies PkgConfig::${module})
  list(APPEND weir_private_libraries ${${module}_LDFLAGS})
endforeach()
list(APPEND weir_private_libraries -pthread -lm)
list(REMOVE_DUPLICATES weir_private_libraries)
list(JOIN weir_private_libraries " " weir_private_libraries)
