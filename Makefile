# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Short names for what CMake does; CMakePresets.json has the rest. Without a target: the tool, at build/weir.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

all: build/build.ninja
	@cmake --build build --parallel $(JOBS) --target weir_cli

build/build.ninja:
	cmake --preset release

demo:
	@scripts/demo

test:
	@scripts/test

bench format format-check lint: build/build.ninja
	@cmake --build build --target $@

install: build/build.ninja
	@cmake --build build --parallel $(JOBS) --target weir_cli weir weir_shared
	cmake --install build --prefix '$(PREFIX)'

clean:
	rm -rf build build-debug build-asan build-tsan build-clang

help:
	@echo 'make           build the tool, build/weir'
	@echo 'make demo      install what is missing, build, train on the built-in digits'
	@echo 'make test      install what is missing, build, run all tests'
	@echo 'make bench     measure'
	@echo 'make install   PREFIX=/usr/local DESTDIR=   tool, libraries, headers, man page, completion'
	@echo 'make format    rewrite the C files in the style of .clang-format (format-check: only look)'
	@echo 'make lint      clang-tidy over the library and the tool'
	@echo 'make clean     remove the build folders'
	@echo 'Other builds: cmake --preset debug|asan|tsan|clang, then cmake --build and ctest with the same --preset.'

.PHONY: all demo test bench format format-check lint install clean help
