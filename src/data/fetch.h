// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file fetch.h
/// Downloading the files of a source that need not be in the public list.
#ifndef WEIR_DATA_FETCH_H
#define WEIR_DATA_FETCH_H

#include <weir/data.h>

/// As weir_fetch, for any source. A file with bytes 0 is of unknown size.
weir_status weir__fetch_files(const weir_source *source, const char *folder, const char *base_url,
                              weir_fetch_progress progress, void *context, weir_error *error);

#endif
