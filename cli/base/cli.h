// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file cli.h
/// What the sub-commands of `weir` share: the table of options, messages, tables, progress, signals, files.
///
/// The tool uses only the public headers of the library. A command is one constant cli_command, declared below and
/// listed in main.c.
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <weir/weir.h>

/// Exit statuses.
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

#define CLI_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/// Text, in the order of the command line.
typedef struct cli_list {
    char **items;
    size_t count;
} cli_list;
/// Appends a copy. False when memory is short.
bool cli_list_add(cli_list *list, const char *format, ...) WEIR_PRINTF(2, 3);
/// Appends the pieces of "a,b:c=1,d=2,e": a piece that is an assignment, without a colon before its '=', continues the
/// one before it that has a colon, so that rules keep their parameters. False when memory is short.
bool cli_list_split(cli_list *list, const char *text);
/// Appends the pieces of each "a=b,c=d" of what was given. False when memory is short.
bool cli_pairs(cli_list *pairs, const cli_list *given);
void cli_list_free(cli_list *list);

/// What an option does with its argument.
typedef enum cli_kind {
    CLI_FLAG, ///< no argument; value is a bool
    CLI_TEXT, ///< value is a const char *
    CLI_FILE, ///< the same, and the argument may be left out: --name=FILE, --name FILE where FILE exists, or --name: ""
    CLI_COUNT,    ///< a whole number ≥ 1; value is a size_t
    CLI_INDEX,    ///< a whole number from 0; value is an int, negative when it is not given
    CLI_REAL,     ///< a number in the range that choices says ("0|1e6", inclusive); value is a double, NaN: no default
    CLI_CHOICE,   ///< one of choices; value is a const char *
    CLI_PAIR,     ///< key=value, collected; value is a cli_list
    CLI_KEY,      ///< any text, collected as "choices=TEXT"; value is a cli_list
    CLI_KEY_COUNT ///< a whole number ≥ 0, collected as "choices=N"; value is a cli_list
} cli_kind;

/// One long option. What value holds before parsing is its default, and is what the help shows.
typedef struct cli_option {
    const char *name, *argument; ///< "epochs", "N"
    cli_kind kind;
    void *value;
    const char *choices; ///< CLI_CHOICE: "train|valid|test". CLI_REAL: "least|greatest". CLI_KEY…: the setting's key
    const char *help;    ///< one line
} cli_option;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name, *operands, *summary; ///< "train", "CONFIG" ("": none), one line
    const char *about;                     ///< paragraphs for --help, separated by empty lines
    const cli_option *options;
    size_t option_count;
    size_t least, most;      ///< operands allowed
    void (*more)(FILE *out); ///< further sections of the help, or NULL
    void (*prepare)(void);   ///< fills in the live defaults, or NULL
    const char *files;       ///< files written, or NULL
    const char *examples[3]; ///< command lines, one to three
    int (*run)(char **operands, size_t count);
};
extern const cli_command cli_train, cli_eval, cli_predict, cli_inspect, cli_units, cli_plot, cli_fetch, cli_reproduce,
    cli_bench, cli_estimate, cli_compare, cli_gate, cli_sae;

/// Every command in the order of the help; NULL beyond.
const cli_command *cli_command_at(size_t index);

/// Parses what follows the command's name into the option values; operands[0 … *count) are moved to the front of argv
/// and *operands points to them. Returns CLI_USAGE after a message, −1 when --help was asked for, else CLI_OK.
int cli_parse(const cli_command *command, int argc, char **argv, char ***operands, size_t *count);
/// A number that fills the whole text. Infinite ones and NaN are numbers, too: ranges refuse them.
bool cli_number(const char *text, double *number);
/// The complete help of a command.
void cli_help(const cli_command *command, FILE *out);
/// Every setting of a configuration; and the page docs/settings.md.
void cli_settings(FILE *out);
void cli_settings_page(FILE *out);
/// Settings without effect: those that the command line gives are refused (CLI_USAGE after a message), those of the
/// file remarked on. place begins the message: "row sts: ".
int cli_tell_idle(const char *command, const char *place, const weir_config *config, const cli_list *given);
/// Text in paragraphs, wrapped to the width of 80, each line after the first indented.
void cli_wrap(FILE *out, size_t indent, const char *text);

/// CLI_FAILED after a message when WEIR_ISA or WEIR_PLAN is a name that the library does not know, or cannot use here.
int cli_check_environment(void);

/// Sets the threads of the process and takes the rates of this machine into use, where they have been measured:
/// $WEIR_RATES, or the file in the user's cache. CLI_FAILED after a message about a file that was asked for.
int cli_use_machine(size_t threads);
/// Where these rates come from, in words; and where they are to be written: CLI_FAILED after a message.
const char *cli_rates_origin(void);
int cli_rates_path(char *path, size_t size);

/// "weir: …" on standard error. Returns CLI_FAILED.
int cli_error(const char *format, ...) WEIR_PRINTF(1, 2);
/// cli_error with a second line that says where help is. Returns CLI_USAGE.
int cli_usage(const char *command, const char *format, ...) WEIR_PRINTF(2, 3);
/// A remark on standard error that is no error: "weir: …".
void cli_note(const char *format, ...) WEIR_PRINTF(1, 2);
/// The library's error. Returns CLI_FAILED.
int cli_weir_error(const weir_error *error);
/// Flushes standard output; false when something was lost.
bool cli_flush(void);
/// Flushes standard output and says so if anything written to it was lost (silently for a closed pipe). Returns
/// status, or CLI_FAILED.
int cli_finish(int status);

/// Terminal facts. Width of the stream's window, 80 when it has none.
bool cli_is_terminal(FILE *stream);
size_t cli_width(FILE *stream);
/// May the stream be coloured (a terminal, NO_COLOR not set); does the locale speak UTF-8.
bool cli_colour(FILE *stream);
bool cli_utf8(void);
/// Escape sequences, "" where the stream is not coloured.
const char *cli_bold(FILE *stream);
const char *cli_dim(FILE *stream);
const char *cli_plain(FILE *stream);

/// The line at the bottom of the terminal that is drawn again and again: begins it anew; wipes it, if it is there, so
/// that other text may be printed.
void cli_line_begin(void);
void cli_line_clear(void);

/// Numbers as text; the buffer is returned.
#define CLI_NUMBER 40
const char *cli_thousands(char text[CLI_NUMBER], uint64_t number);        ///< 2,712,410
const char *cli_bytes(char text[CLI_NUMBER], uint64_t bytes);             ///< 10.8 MB
const char *cli_duration(char text[CLI_NUMBER], double seconds);          ///< 1:05
const char *cli_milliseconds(char text[CLI_NUMBER], double milliseconds); ///< three digits that count
/// Seconds of a clock that never goes back.
double cli_clock(void);

/// A table of text: rows of cells, tab between cells. align holds 'l' or 'r' per column. The first row is the heading.
typedef struct cli_table {
    const char *align;
    cli_list rows;
} cli_table;
bool cli_table_add(cli_table *table, const char *format, ...) WEIR_PRINTF(2, 3);
/// Prints with two blanks before and between columns, and frees the rows.
void cli_table_print(cli_table *table, FILE *out);

/// One line that is drawn again and again at the bottom of a terminal; nothing where the stream is none.
typedef struct cli_bar {
    bool live;
    double started, shown;
} cli_bar;
/// The bar goes to standard error. start_fraction: what was done before (a resumed run), for the time left.
void cli_bar_begin(cli_bar *bar);
/// Draws at most ten times a second: "left ━━━━━──── 43 %  right  0:12 left". seconds_left < 0: not known.
void cli_bar_show(cli_bar *bar, double fraction, double seconds_left, const char *left, const char *right);
/// Wipes the line, so that other text may be printed.
void cli_bar_clear(cli_bar *bar);

/// From here on the first SIGINT or SIGTERM sets a flag, a second one kills.
void cli_interrupt_begin(void);
bool cli_interrupted(void);

/// Files. All report failures themselves and return CLI_OK or CLI_FAILED.
/// A folder that can be written in, made if it is not there.
int cli_folder_make(const char *path);
bool cli_exists(const char *path);
bool cli_is_folder(const char *path);
/// folder/name as new memory, NULL when memory is short (reported).
char *cli_path(const char *folder, const char *name);
/// Writes the text under its name only when it is complete on the disk.
int cli_write_file(const char *path, const char *text);
/// Prints a JSON value with a new line to standard output.
void cli_print_json(const json_t *value);

/// A path as a word of a command line that a person may copy: in quotes where the shell needs them.
typedef struct cli_word {
    char text[4200];
} cli_word;
cli_word cli_shell(const char *path);
/// After a configuration could not be loaded: says what to do with an operand that is something else.
void cli_config_hint(const char *operand);
/// The model file that an operand means: the file itself, or model.safetensors in a run directory. New memory, NULL
/// after a message.
char *cli_model_path(const char *operand);
/// Loads the model and its data set. data_folder, unless NULL, is the folder with the data set; changes, unless NULL,
/// are settings "data.KEY=VALUE" in place of the model's. data may be NULL: then it is not loaded. What is not NULL is
/// freed by the caller, also after a failure.
int cli_open_model(const char *operand, const char *data_folder, const cli_list *changes, size_t max_rows,
                   weir_graph **graph, weir_config *config, weir_data **data);
/// Runs a graph in the precision of that name; NULL: in its own.
int cli_use_precision(weir_graph *graph, const char *name);
/// One part of a data set by its name: "train", "valid", "test".
weir_part cli_part(const weir_data *data, const char *name);
/// What a network is judged by: its errors, the likelihood of targets, or how far values are off (weir_kind.traits).
typedef enum cli_judge { CLI_BY_ERROR, CLI_BY_LIKELIHOOD, CLI_BY_DISTANCE } cli_judge;
cli_judge cli_judged_by(const weir_graph *graph);
/// A list of names as text, in lines of the terminal's width after `indent` blanks, "label" before them in the first;
/// nothing for a list without names.
void cli_print_names(FILE *out, const char *label, size_t indent, const weir_names *names, weir_named list);
/// Sets "columns", "classes", "targets" and "label" of a JSON object, those that have names.
void cli_names_json(json_t *object, const weir_names *names);
/// Number of gated layers.
size_t cli_gated_layers(const weir_graph *graph);
/// The share of gates that was asked for; NaN where the draw of each unit that gates opens a number of its own.
double cli_target(const weir_graph *graph, double target);

/// How layers of gates share their work (weir_loads_measure): a table with a row per layer, and an object per layer that
/// has the load of each gate, too.
void cli_print_loads(FILE *out, weir_graph *graph, const weir_load *loads, size_t count);
json_t *cli_loads_json(weir_graph *graph, const weir_load *loads, size_t count);

/// The table at the end of train and of eval: a result measured on `rows` rows of a part. target: the share asked for
/// (cli_target); gated: does the network have gates.
void cli_report(const weir_result *result, const char *part, size_t rows, bool gated, double target, FILE *out);
/// How often weir_measure repeats: the median of so many.
enum { CLI_REPEATS = 5 };

/// A file of scalars for TensorBoard, CLI_EVENTS in a run directory: TensorBoard takes every file whose name holds
/// "tfevents". The functions return false when something cannot be written; errno says why.
#define CLI_EVENTS "events.out.tfevents.0.weir"
typedef struct cli_events {
    char *path;
    FILE *file; ///< NULL: there is none
} cli_events;
/// Begins the file anew.
bool cli_events_begin(cli_events *events, const char *folder);
/// One point of the curve `tag`. Values that are not finite are left out.
bool cli_events_scalar(cli_events *events, const char *tag, uint64_t step, double value);
bool cli_events_flush(cli_events *events);
/// Closes it, if it is open. Returns status, or CLI_FAILED after a message.
int cli_events_end(cli_events *events, int status);

/// Text chart of curves: y against x, values that are not finite are left out.
typedef struct cli_curve {
    const char *label;
    const double *x, *y;
    size_t count;
} cli_curve;
void cli_chart(FILE *out, const char *title, const char *x_label, const cli_curve *curves, size_t count);
/// Text chart of bars: count bars from low to high.
void cli_bars(FILE *out, const char *title, const char *x_label, const double *heights, size_t count, double low,
              double high);

#endif
