// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file draw.h
/// Pieces of gnuplot scripts that all figures share, and gnuplot itself.
#ifndef WEIR_DRAW_H
#define WEIR_DRAW_H

#include "base/cli.h"

enum { DRAW_LABELS = 24 }; ///< most labels of a panel

/// A label at the right end of a curve.
typedef struct draw_label {
    double y;
    const char *text, *colour;
} draw_label;

/// Colour of curve 0, 1, …
const char *draw_colour(size_t index);
/// 'text' as gnuplot quotes it.
void draw_quoted(FILE *out, const char *text);
/// Begins folder/name.format, "svg" or "png", and adds its path to `written`.
void draw_begin(FILE *out, const char *folder, const char *name, const char *format, int width, int height,
                cli_list *written);
/// The heading of a panel, in bold above its left corner, and what its y axis measures below it.
void draw_title(FILE *out, const char *title, const char *axis);
/// Labels at x in the range low … high of y, pushed apart so that none covers another.
void draw_labels(FILE *out, draw_label *labels, size_t count, double x, double low, double high, bool log_y);
/// Room for labels at the right, in characters.
size_t draw_room(const draw_label *labels, size_t count);
/// Begins a curve's part of a plot command with its band, ending in ", ": data block `$NAMEk`, the mean in column
/// `mean`, the standard deviation in the next one. What lies under `low` is cut off. Bars where there is one point.
void draw_band(FILE *out, const char *name, size_t k, int mean, double low, bool line, const char *colour);
/// The x axis of epochs up to `last`.
void draw_epochs(FILE *out, double last);
/// The range of an axis.
typedef struct draw_range {
    double low, high;
    bool log;
} draw_range;
/// A range with room around the finite values from least to most. Logarithmic if that is wanted, all values are
/// positive and differ much; else it begins at 0, unless values are negative. Nothing finite: 0 to 1.
draw_range draw_range_of(double least, double most, bool log_wanted);
/// Ticks of the logarithmic axis "x" or "y" at 1, 2 and 5 times powers of ten; over many decades at the powers alone.
void draw_log_ticks(FILE *out, const char *axis, double low, double high);

/// Runs gnuplot on a script; no shell. CLI_OK or CLI_FAILED after a message; *missing tells that there is no gnuplot
/// (no message then).
int draw_gnuplot(const char *script, bool *missing);
/// For what takes long before it draws: is there a gnuplot, and can the folder be written in? CLI_FAILED after a
/// message.
int draw_possible(const char *folder);
/// Runs gnuplot on a script that writes these files. CLI_FAILED after a message, also where gnuplot is missing or a
/// file is not complete.
int draw_files(const char *script, const cli_list *written);

#endif
