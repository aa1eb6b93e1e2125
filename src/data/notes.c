// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <math.h>
#include <string.h>

#include "notes.h"
#include "rows.h"

void weir__note(weir__notes *notes, const char *format, ...) {
    if (notes->count == weir__notes_most) return;
    va_list arguments;
    va_start(arguments, format);
    weir__print_arguments(notes->text[notes->count++], WEIR_NOTE, format, arguments);
    va_end(arguments);
}

/// Least and greatest value of each column, [columns] each.
typedef struct ranges {
    size_t columns;
    float *least, *greatest;
} ranges;

static weir_status find_ranges(ranges *r, const weir_rows *rows, size_t first, size_t count, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = rows->shape.columns;
    r->columns = columns;
    TRY(weir__new(&r->least, columns, sizeof *r->least, "ranges of columns", error));
    TRY(weir__new(&r->greatest, columns, sizeof *r->greatest, "ranges of columns", error));
    for (size_t j = 0; j < columns; j++) {
        r->least[j] = HUGE_VALF;
        r->greatest[j] = -HUGE_VALF;
    }
    for (size_t row = first; row < first + count; row++) {
        for (size_t j = 0; j < columns; j++) {
            const float value = weir__rows_value(rows, row * columns + j);
            if (value < r->least[j]) r->least[j] = value;
            if (value > r->greatest[j]) r->greatest[j] = value;
        }
    }
done:
    return status;
}

static void free_ranges(ranges *r) {
    weir__free(r->least);
    weir__free(r->greatest);
}

/// "3", or "3 (width)" where it has a name.
typedef struct called {
    char text[64];
} called;

static called name_of(const weir_names *names, weir_named list, size_t index) {
    called c;
    const char *name = weir_names_at(names, list, index);
    char shown[40];
    if (name)
        snprintf(c.text, sizeof c.text, "%zu (%s)", index, weir__show(shown, sizeof shown, name, strlen(name)));
    else
        snprintf(c.text, sizeof c.text, "%zu", index);
    return c;
}

weir_status weir__note_columns(weir__notes *notes, const weir_part *train, const weir_names *names,
                               weir_error *error) {
    enum { apart = 1000 };
    const weir_shape shape = train->rows->shape;
    ranges r = {0};
    if (shape.height > 1) return WEIR_OK;
    const weir_status status = find_ranges(&r, train->rows, train->first, train->count, error);
    size_t constant = 0, first_constant = 0, widest = shape.columns, narrowest = shape.columns;
    for (size_t j = 0; status == WEIR_OK && j < shape.columns; j++) {
        const float range = r.greatest[j] - r.least[j];
        if (!(range > 0)) {
            if (!constant++) first_constant = j;
            continue;
        }
        if (widest == shape.columns || range > r.greatest[widest] - r.least[widest]) widest = j;
        if (narrowest == shape.columns || range < r.greatest[narrowest] - r.least[narrowest]) narrowest = j;
    }
    if (constant)
        weir__note(notes,
                   "%zu of %zu values per row %s constant, the first of them value %s: nothing can be learned "
                   "from %s",
                   constant, shape.columns, constant == 1 ? "is" : "are",
                   name_of(names, WEIR_NAMED_COLUMNS, first_constant).text,
                   constant == 1 ? "it" : "them");
    if (widest < shape.columns) {
        const double wide = (double)(r.greatest[widest] - r.least[widest]),
                     narrow = (double)(r.greatest[narrowest] - r.least[narrowest]);
        if (wide > apart * narrow)
            weir__note(notes,
                       "values of a row differ %.0f-fold in range (value %s: %g, value %s: %g); data.scale "
                       "standardise evens them out",
                       wide / narrow, name_of(names, WEIR_NAMED_COLUMNS, widest).text, wide,
                       name_of(names, WEIR_NAMED_COLUMNS, narrowest).text, narrow);
    }
    free_ranges(&r);
    return status;
}

// "1, 4-6": classes without a row, as many as fit.
static void list_empty(char *text, size_t size, const size_t *counts, size_t classes) {
    size_t used = 0;
    text[0] = 0;
    for (size_t k = 0; k < classes && used + 48 < size; k++) {
        if (counts[k]) continue;
        size_t last = k;
        while (last + 1 < classes && !counts[last + 1]) last++;
        used += (size_t)snprintf(text + used, size - used, last > k ? "%s%zu-%zu" : "%s%zu", used ? ", " : "", k, last);
        k = last;
    }
}

// Classes that have rows elsewhere and none in training: no row of them can be recognised.
static void note_unlearned(weir__notes *notes, const size_t *counts, const weir_part *part, const char *rows,
                           const weir_names *names) {
    size_t first = SIZE_MAX, count = 0;
    for (size_t i = 0; part->labels && i < part->count; i++) {
        const size_t label = (size_t)part->labels[part->first + i];
        if (counts[label]) continue;
        count++;
        if (label < first) first = label;
    }
    if (count)
        weir__note(notes, "%zu of the %zu %s rows %s a class that never occurs in training, as class %s", count,
                   part->count, rows, count == 1 ? "is of" : "are of", name_of(names, WEIR_NAMED_CLASSES, first).text);
}

weir_status weir__note_labels(weir__notes *notes, const weir_part parts[3], size_t classes, const weir_names *names,
                              weir_error *error) {
    enum { nearly_all = 95, rare = 100 };
    const weir_part *train = &parts[0];
    size_t *counts = NULL, present = 0, most = 0, fewest = SIZE_MAX, common = 0, scarce = 0;
    char empty[128];
    const bool named = weir_names_count(names, WEIR_NAMED_CLASSES) > 0;
    const weir_status status = weir__new(&counts, classes, sizeof *counts, "rows per class", error);
    if (status != WEIR_OK) return status;
    for (size_t i = 0; i < train->count; i++) counts[train->labels[train->first + i]]++;
    for (size_t k = 0; k < classes; k++) {
        if (!counts[k]) continue;
        present++;
        if (counts[k] > most) most = counts[common = k];
        if (counts[k] < fewest) fewest = counts[scarce = k];
    }
    list_empty(empty, sizeof empty, counts, classes);
    if (present == 1)
        weir__note(notes, "all training rows have the label %s: there is nothing to learn",
                   name_of(names, WEIR_NAMED_CLASSES, common).text);
    else if (!named && !counts[0] && present == classes - 1)
        weir__note(notes, "the label 0 never occurs in training: labels count from 0, not from 1");
    else if (!named && present < classes)
        weir__note(notes,
                   "of the labels 0 to %zu these never occur in training: %s; labels without gaps need fewer "
                   "outputs",
                   classes - 1, empty);
    note_unlearned(notes, counts, &parts[1], "validation", names);
    note_unlearned(notes, counts, &parts[2], "test", names);
    if (present > 1 && most * 100 > train->count * nearly_all)
        weir__note(notes,
                   "%.1f %% of the training rows have the label %s: an error of %.1f %% is no better than always "
                   "saying so",
                   100.0 * (double)most / (double)train->count, name_of(names, WEIR_NAMED_CLASSES, common).text,
                   100 - 100.0 * (double)most / (double)train->count);
    else if (present > 1 && most > fewest * rare)
        weir__note(notes, "the label %s has %zu training rows, the label %s %zu: repeat the rare rows if they matter",
                   name_of(names, WEIR_NAMED_CLASSES, scarce).text, fewest,
                   name_of(names, WEIR_NAMED_CLASSES, common).text, most);
    weir__free(counts);
    return WEIR_OK;
}

weir_status weir__note_targets(weir__notes *notes, const weir_part *train, weir_error *error) {
    enum { large = 100 };
    ranges r = {0};
    const weir_status status = find_ranges(&r, train->targets, train->first, train->count, error);
    float reach = 0;
    size_t constant = 0;
    for (size_t j = 0; status == WEIR_OK && j < r.columns; j++) {
        constant += !(r.greatest[j] > r.least[j]);
        reach = fmaxf(reach, fmaxf(fabsf(r.least[j]), fabsf(r.greatest[j])));
    }
    if (constant)
        weir__note(notes, "%zu of %zu targets %s constant in training", constant, r.columns,
                   constant == 1 ? "is" : "are");
    if (reach > large)
        weir__note(notes, "targets reach %g: divide them in the file, or take a small train.optimizer.rate",
                   (double)reach);
    free_ranges(&r);
    return status;
}

bool weir__counts_rows(const weir_rows *rows) {
    enum { fewest = 10 };
    if (rows->shape.rows < fewest || rows->shape.height > 1 || rows->shape.columns < 2) return false;
    const float start = weir__rows_raw(rows, 0);
    for (size_t row = 0; row < rows->shape.rows; row++) {
        if (weir__rows_raw(rows, row * rows->shape.columns) != start + (float)row) return false;
    }
    return true;
}

void weir__note_binarised(weir__notes *notes, const weir_part *train, const char *binarise) {
    const size_t columns = train->rows->shape.columns;
    const float first = weir__rows_value(train->rows, train->first * columns);
    for (size_t i = train->first * columns; i < (train->first + train->count) * columns; i++) {
        if (weir__rows_value(train->rows, i) != first) return;
    }
    weir__note(notes, "data.binarise %s makes all inputs %g: look at data.scale", binarise, (double)first);
}
