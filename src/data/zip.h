// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file zip.h
/// The directory of a zip archive, as far as numpy.savez needs it.
#ifndef WEIR_DATA_ZIP_H
#define WEIR_DATA_ZIP_H

#include "stream.h"

/// Where the bytes of one entry lie.
typedef struct weir__zip_entry {
    weir__packing packing; ///< WEIR__STORED or WEIR__DEFLATE
    uint64_t offset;       ///< of its first byte in the file
    uint64_t packed_bytes;
    uint32_t checksum; ///< CRC-32 of the unpacked bytes
} weir__zip_entry;

/// Finds the array of that name (with or without ".npy") in an archive; name NULL: the only one. file_name is for
/// messages. WEIR_NOT_FOUND and WEIR_ARGUMENT list the arrays; WEIR_FORMAT for a damaged archive, WEIR_UNSUPPORTED for
/// one that is encrypted or compressed by another method.
weir_status weir__zip_find(weir__zip_entry *entry, int descriptor, const char *file_name, const char *name,
                           weir_error *error);

#endif
