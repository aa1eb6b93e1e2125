// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file unzip.h
/// Zip archives, as far as data sets come in them.
#ifndef WEIR_CLI_UNZIP_H
#define WEIR_CLI_UNZIP_H

#include <stdint.h>

#include <weir/status.h>

/// Writes a member of an archive to a file, checked by its CRC-32. WEIR_DATA: it is not there, larger than `most` bytes or
/// damaged; WEIR_IO: the file cannot be written. Nothing is left at path then.
weir_status fetch_unzip(const char *archive, const char *member, const char *path, uint64_t most, weir_error *error);

#endif
