// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file field.h
/// Fields of plain structs (options, descriptions of nodes), each described once: a table of them drives defaults,
/// reading and printing, copying, range checks, what a resumed run must agree in, help and documentation.
#ifndef WEIR_FIELD_H
#define WEIR_FIELD_H

#include "arena.h"
#include "core.h"

typedef enum weir__field_type {
    WEIR__SECTION, ///< no value: the fields whose paths continue its own belong to it
    WEIR__LIST,    ///< no value: a list of something else
    WEIR__TEXT,    ///< const char *
    WEIR__CHOICE,  ///< const char *, one of choices
    WEIR__SIZE,    ///< size_t
    WEIR__SEED,    ///< uint64_t
    WEIR__INTEGER, ///< int
    WEIR__NUMBER,  ///< double
    WEIR__FLAG     ///< bool
} weir__field_type;

/// An interval, each end in it or not, and its text ("a number > 0").
typedef struct weir__interval {
    double least, greatest;
    bool without_least, without_greatest;
    const char *text;
} weir__interval;

/// Integers up to this one are exact in size_t and double on every platform; larger ones are slips of the keyboard.
#define WEIR__INTEGER_MOST 4294967295.0

extern const weir__interval weir__any_number, weir__positive, weir__not_negative, weir__factor, weir__inside_one,
    weir__below_one, weir__up_to_one, weir__probability, weir__size_from_0, weir__size_from_1, weir__size_from_2;

/// One field. Conditions (applies, numbers) are texts such as "train.optimizer.kind=momentum|adam and gates": see
/// weir__condition_holds.
typedef struct weir__field {
    const char *path; ///< "train.optimizer.rate"; of a node: "rate"
    weir__field_type type;
    size_t offset;               ///< in its struct
    const weir__interval *range; ///< of SIZE, INTEGER and NUMBER
    const char *choices;         ///< of CHOICE: "sgd|momentum|adam"
    const char *initial;         ///< the default as text; NULL: zero, or no text
    const char *about;
    const char *applies; ///< when it has an effect; NULL: always
    const char *numbers; ///< when it changes numbers of a run: WEIR__ALWAYS, or a condition; NULL: never
    const char *expects; ///< of TEXT: "a name"; NULL: "text"
    /// Of TEXT: further demands. The error says what was expected and found.
    weir_status (*check)(const char *text, weir_error *error);
    unsigned group;  ///< nodes: the bit of the kinds that take it (WEIR__FIELD_…)
    bool names_file; ///< TEXT: a file or a folder
    bool is_list;    ///< TEXT: words with commas between them, in YAML also a list
    bool has_quotes; ///< a word of the list stands in quotes where it has a comma itself
} weir__field;

/// Of weir__field.numbers.
#define WEIR__ALWAYS ""

/// The fields of one struct.
typedef struct weir__fields {
    const weir__field *at;
    size_t count;
} weir__fields;

/// The last component of a field's path.
const char *weir__field_key(const weir__field *field);
/// Whether it holds a value, and is no section or list.
bool weir__field_is_value(const weir__field *field);
/// What it takes, in words: "a number > 0", "sgd|momentum|adam".
const char *weir__field_expects(const weir__field *field);
/// The field of that path, or NULL.
const weir__field *weir__field_find(const weir__fields *fields, const char *path);

/// Reads text into the field of *object; strings are copied to the arena. The error says only what was expected and
/// found: the caller puts file and key before it.
weir_status weir__field_set(const weir__field *field, void *object, const char *text, weir__arena *arena,
                            weir_error *error);

enum { WEIR__NUMBER_ROOM = 40 };
/// The text that weir__field_set reads back to exactly the same value: in number, or the field's own string, which may
/// be NULL.
const char *weir__field_text(const weir__field *field, const void *object, char number[WEIR__NUMBER_ROOM]);
/// Whether it says something: a text that is not empty, a number other than 0, a flag that is set.
bool weir__field_is_said(const weir__field *field, const void *object);
/// Whether it has its default.
bool weir__field_is_initial(const weir__field *field, const void *object);

/// Sets a field to its default; a string is that of the table.
void weir__field_reset(const weir__field *field, void *object);
/// Sets every field to its default; strings are those of the table.
void weir__fields_initial(const weir__fields *fields, void *object);
/// Checks one field's value: range, choice, and its own check. The error says what was expected and found.
weir_status weir__field_check(const weir__field *field, const void *object, weir_error *error);
/// Copies the fields; strings, unless empty, to memory of their own, freed by weir__fields_free. After a failure *to
/// can be freed, too.
weir_status weir__fields_copy(const weir__fields *fields, void *to, const void *from, weir_error *error);
void weir__fields_free(const weir__fields *fields, void *object);

/// A struct and the table of its fields. Lists of them end with fields NULL.
typedef struct weir__described {
    const weir__fields *fields;
    const void *object;
} weir__described;

/// Whether a condition holds for the structs of a list: terms joined by " and ", these by " or ". A term is "PATH=a|b"
/// (the field's text is one of these), "PATH>NUMBER", "PATH" (it says something), or a word of facts, a list that ends
/// with NULL, or NULL. "" holds.
bool weir__condition_holds(const char *condition, const weir__described *structs, const char *const *facts);

/// Fails because a text is none of these names; the nearest is named.
weir_status weir__fail_choice(weir_error *error, const char *const *names, size_t count, const char *found);

#endif
