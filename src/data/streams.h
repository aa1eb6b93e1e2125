// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file streams.h
/// The noise streams (weir_noise.stream) that data use.
#ifndef WEIR_DATA_STREAMS_H
#define WEIR_DATA_STREAMS_H

enum {
    weir__split_stream = 0xFD01,   ///< order of the rows of files before they are split
    weir__digits_stream = 0xFD02,  ///< the built-in digits
    weir__binarise_stream = 0xFD03, ///< values drawn as 0 or 1, once
    weir__redraw_stream = 0xFD04    ///< likewise, anew in each epoch
};

#endif
