// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Model files: parameters as plain float32 arrays; configuration, thresholds, share and scale as metadata, and the
// pairs of a scale that has some per column as two more arrays, names of columns and classes. A weir that knows no
// scales refuses such a file for the setting data.scale in its configuration. What only training needs (moving averages
// of units, the state of an optimizer) is in checkpoints and not here.

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../config/settings.h"
#include "../core/parallel.h"
#include "../graph/finite.h"
#include "../graph/graph.h"
#include "../graph/prior.h"
#include "../store/safetensors.h"
#include <weir/model.h>

static const char format_text[] = "1";
static const long format_number = 1;

// A model file must not make us take more memory than its own size explains: parameters are bounded by the file,
// outputs of all nodes for a batch by this many floats (4 GB).
static const double work_most = 1 << 30;

static weir_status check_finite(const weir_tensor *tensor, const float *plain, const char *path, weir_error *error) {
    const size_t count = tensor->rows * tensor->columns;
    if (weir__all_finite(plain, count)) return WEIR_OK;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(plain[i])) continue;
        return weir__fail(error, WEIR_DATA, "%s: tensor \"%s\": value %zu is %g; a parameter must be finite", path,
                          tensor->name, i, (double)plain[i]);
    }
    return WEIR_OK;
}

// How a parameter stands in the file: weights as [outputs][inputs], biases as [outputs].
static weir__stored array_of(const weir_tensor *tensor, const float *plain) {
    return (weir__stored){.name = tensor->name,
                          .dtype = WEIR__DTYPE_F32,
                          .rank = weir__role_rank(tensor->role),
                          .shape = {tensor->rows, weir__role_rank(tensor->role) == 2 ? tensor->columns : 0},
                          .data = plain};
}

static bool is_unit(const weir_graph *graph, size_t node) { return weir_graph_unit(graph, node) != NULL; }

// {"gates": -1.25}: per unit node its threshold, with digits enough for the same float again. An infinite one becomes
// the largest float, which lets the same units pass: JSON knows no infinity.
static json_t *list_thresholds(const weir_graph *graph) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    json_t *list = json_object();
    for (size_t n = 0; n < count; n++) {
        const float threshold = fmaxf(-FLT_MAX, fminf(FLT_MAX, weir_graph_threshold(graph, n)));
        if (is_unit(graph, n)) json_object_set_new(list, nodes[n].name, json_real((double)threshold));
    }
    return list;
}

static weir_status read_thresholds(weir_graph *graph, const char *text, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    json_t *list = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    TRY_THAT(json_is_object(list), WEIR_FORMAT, "%s: weir.thresholds: expected an object of numbers, one per unit node",
             path);
    for (size_t n = 0; n < count; n++) {
        if (!is_unit(graph, n)) continue;
        const json_t *value = json_object_get(list, nodes[n].name);
        TRY_THAT(json_is_number(value) && fabs(json_number_value(value)) <= (double)FLT_MAX, WEIR_FORMAT,
                 "%s: weir.thresholds: expected a number for the unit node \"%s\"", path, nodes[n].name);
        TRY(weir_graph_threshold_set(graph, n, (float)json_number_value(value), error));
    }
done:
    json_decref(list);
    return status;
}

// A value as JSON text, freed by free_json; takes the value.
static char *print_json(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}

static void free_json(char *text) {
    json_free_t release = NULL;
    json_get_alloc_funcs(NULL, &release);
    if (text) release(text);
}

// ---- The scale of the rows.

enum { scale_arrays = 2 };
static const char *const scale_names[scale_arrays] = {"scale.offset", "scale.factor"};

static weir__stored scale_array(const weir_scale *scale, size_t which) {
    return (weir__stored){.name = scale_names[which],
                          .dtype = WEIR__DTYPE_F32,
                          .rank = 1,
                          .shape = {scale->columns},
                          .data = which ? scale->factor : scale->offset};
}

static json_t *real_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

// {"kind": "1/255", "least": 0.0, "greatest": 255.0}
static json_t *describe_scale(const weir_scale *scale) {
    json_t *all = json_object();
    json_object_set_new(all, "kind", json_string(scale->kind));
    json_object_set_new(all, "least", real_or_null(scale->least));
    json_object_set_new(all, "greatest", real_or_null(scale->greatest));
    return all;
}

static weir_status read_scale_arrays(weir_scale *scale, const weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    float *const to[scale_arrays] = {scale->offset, scale->factor};
    for (size_t i = 0; scale->columns && i < scale_arrays; i++) {
        const weir__stored wanted = scale_array(scale, i);
        TRY(weir__safetensors_read(file, &wanted, to[i], error));
        for (size_t j = 0; j < scale->columns; j++) {
            TRY_THAT(isfinite(to[i][j]), WEIR_DATA, "%s: tensor \"%s\": value %zu is not finite",
                     weir__safetensors_path(file), scale_names[i], j);
        }
    }
done:
    return status;
}

static double number_or_nan(const json_t *value) {
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

// A model of a weir that knew no scales was trained on rows as they were read.
static weir_status read_scale(weir_graph *graph, const weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_scale *scale = NULL;
    const char *text = weir__safetensors_metadata(file, "weir.scale");
    json_t *all = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *kind = text ? json_string_value(json_object_get(all, "kind")) : "as-read";
    const weir__stored *offsets = weir__safetensors_find(file, scale_names[0]);
    const size_t columns = offsets ? offsets->shape[0] : 0;
    const weir_status known = kind ? weir_scale_create(&scale, kind, columns, NULL) : WEIR_ARGUMENT;
    TRY_THAT(known != WEIR_MEMORY, WEIR_MEMORY, "out of memory: a model's scale");
    TRY_THAT(known == WEIR_OK, WEIR_FORMAT,
             "%s: weir.scale: expected an object whose kind is none, 1/255, standardise or as-read",
             weir__safetensors_path(file));
    scale->least = number_or_nan(json_object_get(all, "least"));
    scale->greatest = number_or_nan(json_object_get(all, "greatest"));
    TRY(read_scale_arrays(scale, file, error));
    TRY(weir_graph_scale_set(graph, scale, error));
done:
    weir_scale_free(scale);
    json_decref(all);
    return status;
}

// ---- The names of columns, classes and targets.

static const char *const list_names[] = {[WEIR_NAMED_COLUMNS] = "columns",
                                         [WEIR_NAMED_CLASSES] = "classes",
                                         [WEIR_NAMED_TARGETS] = "targets",
                                         [WEIR_NAMED_LABEL] = "label"};

// {"columns": ["length", "width"], "classes": ["setosa", "virginica"], "label": ["species"]}; lists without names are
// left out. NULL when memory is short, or a name is no UTF-8.
static json_t *describe_names(const weir_names *names) {
    json_t *all = json_object();
    bool good = all;
    for (weir_named list = 0; list <= WEIR_NAMED_LABEL; list++) {
        const size_t count = weir_names_count(names, list);
        json_t *items = count ? json_array() : NULL;
        for (size_t i = 0; i < count; i++)
            good &= !json_array_append_new(items, json_string(weir_names_at(names, list, i)));
        if (count) good &= !json_object_set_new(all, list_names[list], items);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

static weir_status read_list(weir_names *names, weir_named list, const json_t *items, const char *path,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t count = json_array_size(items);
    const char **texts = NULL;
    if (!items) return WEIR_OK;
    TRY(weir__new((void *)&texts, count, sizeof *texts, "names", error));
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(items, i));
        TRY_THAT(texts[i], WEIR_FORMAT, "%s: weir.names: name %zu of the %s is no text", path, i, list_names[list]);
    }
    TRY(weir_names_set(names, list, texts, count, error));
done:
    weir__free((void *)texts);
    return status;
}

static weir_status read_names(weir_graph *graph, const weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_names *names = NULL;
    const char *text = weir__safetensors_metadata(file, "weir.names"), *path = weir__safetensors_path(file);
    json_t *all = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!text) return WEIR_OK;
    TRY_THAT(json_is_object(all), WEIR_FORMAT, "%s: weir.names: expected an object of lists of texts", path);
    TRY(weir_names_create(&names, error));
    for (weir_named list = 0; list <= WEIR_NAMED_LABEL; list++)
        TRY(read_list(names, list, json_object_get(all, list_names[list]), path, error));
    TRY(weir_graph_names_set(graph, names, error));
done:
    weir_names_free(names);
    json_decref(all);
    return status;
}

// The configuration of a graph that was built without one: its nodes, everything else as by default.
static weir_status describe_graph(const weir_graph *graph, char **text, weir_error *error) {
    weir_config config;
    weir__config_initial(&config);
    config.name = "model";
    config.precision = weir_precision_name(weir_graph_precision(graph));
    const weir_node *nodes = weir_graph_nodes(graph, &config.network_count);
    weir_node *copy = NULL;
    weir_status status = weir__new(&copy, config.network_count, sizeof *copy, "the nodes of a model", error);
    if (status != WEIR_OK) return status;
    memcpy(copy, nodes, config.network_count * sizeof *copy);
    config.network = copy;
    status = weir_config_print(&config, text, error);
    weir__free(copy);
    return status;
}

// Where a model goes: the file of that path, or, path NULL, new memory.
typedef struct target {
    const char *path;
    void **bytes;
    size_t *size;
} target;

static weir_status save(const target *to, weir_graph *graph, const char *config_text, double share, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *name = to->path ? to->path : weir__memory_name;
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    float *plain = NULL;
    weir__stored *arrays = NULL;
    char *described = NULL, *thresholds = NULL, *share_text = NULL, *scale_text = NULL, *names_text = NULL;
    TRY(weir__new(&plain, p.count, sizeof *plain, "a model's parameters", error));
    TRY(weir__new(&arrays, p.tensor_count + scale_arrays, sizeof *arrays, "a model's parameters", error));
    size_t count = p.tensor_count;
    for (size_t i = 0; i < p.tensor_count; i++) {
        const weir_tensor *tensor = &p.tensors[i];
        TRY(weir_graph_values_get(graph, plain + tensor->offset, i, error));
        TRY(check_finite(tensor, plain + tensor->offset, name, error));
        arrays[i] = array_of(tensor, plain + tensor->offset);
    }
    const weir_scale *scale = weir_graph_scale(graph);
    for (size_t i = 0; scale && scale->columns && i < scale_arrays; i++) arrays[count++] = scale_array(scale, i);
    if (!config_text) TRY(describe_graph(graph, &described, error));
    scale_text = scale ? print_json(describe_scale(scale)) : NULL;
    TRY_THAT(scale_text || !scale, WEIR_MEMORY, "out of memory: a model's scale");
    const weir_names *names = weir_graph_names(graph);
    names_text = names ? print_json(describe_names(names)) : NULL;
    TRY_THAT(names_text || !names, WEIR_DATA, "%s: a name of a column or class is no UTF-8", name);
    thresholds = print_json(list_thresholds(graph));
    share_text = print_json(isfinite(share) ? json_real(share) : json_null());
    TRY_THAT(thresholds && share_text, WEIR_MEMORY, "out of memory: a model's thresholds");
    weir__metadata metadata[8] = {
        {"weir.format", format_text}, {"weir.version", weir_version()},
        {"weir.kind", "model"},       {"weir.thresholds", thresholds},
        {"weir.share", share_text},   {"weir.config", config_text ? config_text : described},
    };
    size_t entries = 6;
    if (scale) metadata[entries++] = (weir__metadata){"weir.scale", scale_text};
    if (names) metadata[entries++] = (weir__metadata){"weir.names", names_text};
    if (to->path) {
        TRY(weir__safetensors_write(to->path, arrays, count, metadata, entries, error));
    } else {
        TRY(weir__safetensors_print(to->bytes, to->size, arrays, count, metadata, entries, error));
    }
done:
    free_json(thresholds);
    free_json(share_text);
    free_json(scale_text);
    free_json(names_text);
    weir_text_free(described);
    weir__free(arrays);
    weir__free(plain);
    return status;
}

weir_status weir_model_save(weir_graph *graph, const char *path, const char *config_text, double share,
                            weir_error *error) {
    return save(&(target){.path = path}, graph, config_text, share, error);
}

weir_status weir_model_save_memory(weir_graph *graph, void **bytes, size_t *size, const char *config_text, double share,
                                   weir_error *error) {
    *bytes = NULL;
    *size = 0;
    return save(&(target){.bytes = bytes, .size = size}, graph, config_text, share, error);
}

void weir_bytes_free(void *bytes) { weir__free(bytes); }

static weir_status check_format(const weir__safetensors *file, weir_error *error) {
    const char *path = weir__safetensors_path(file);
    const char *text = weir__safetensors_metadata(file, "weir.format");
    const char *kind = weir__safetensors_metadata(file, "weir.kind");
    const char *version = weir__safetensors_metadata(file, "weir.version");
    char *end = NULL;
    const long number = text ? strtol(text, &end, 10) : 0;
    if (!text || !*text || *end || number < 1) {
        return weir__fail(error, WEIR_FORMAT, "%s: not a weir model: __metadata__ has no number \"weir.format\"", path);
    }
    if (kind && strcmp(kind, "model")) {
        return weir__fail(error, WEIR_FORMAT, "%s: is a %.20s, not a model; a run's model is model.safetensors", path,
                          kind);
    }
    if (number > format_number) {
        return weir__fail(
            error, WEIR_VERSION,
            "%s: has format %ld, written by weir %.20s; this is weir %s, which reads format %ld: use a newer "
            "weir",
            path, number, version ? version : "?", weir_version(), format_number);
    }
    return WEIR_OK;
}

static uint64_t values_in(const weir__safetensors *file) {
    uint64_t values = 0;
    for (size_t i = 0; i < weir__safetensors_count(file); i++)
        values += weir__stored_values(weir__safetensors_at(file, i));
    return values;
}

// Width of the first node that node n reads; 0 when there is none, which the graph will say.
static uint64_t width_before(const weir_config *config, const uint64_t *widths, size_t n) {
    const char *from = config->network[n].from;
    if (!from || !*from) return n ? widths[n - 1] : 0;
    const size_t length = strcspn(from, ",");
    for (size_t k = 0; k < n; k++) {
        const char *name = config->network[k].name;
        if (name && strlen(name) == length && !strncmp(name, from, length)) return widths[k];
    }
    return 0;
}

// Before anything is allocated: the weights that the description asks for must be there, and a batch must fit.
static weir_status check_sizes(const weir__safetensors *file, const weir_config *config, size_t max_rows,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    const char *path = weir__safetensors_path(file);
    uint64_t *widths = NULL, left = values_in(file);
    double outputs = 0;
    TRY(weir__new(&widths, config->network_count, sizeof *widths, "the nodes of a model", error));
    for (size_t n = 0; n < config->network_count; n++) {
        const weir_node *node = &config->network[n];
        const uint64_t before = width_before(config, widths, n);
        widths[n] = node->size ? node->size : before;
        outputs += (double)widths[n];
        const weir_kind *kind = weir__kind_named(node->kind);
        if (!kind || !(kind->traits & WEIR_KIND_WEIGHTS)) continue;
        // Sizes of a configuration are below 2^32.
        TRY_THAT(widths[n] * before <= left, WEIR_FORMAT,
                 "%s: node %zu (%s) has %llu x %llu weights, more than the file holds", path, n + 1,
                 node->name ? node->name : node->kind, (unsigned long long)widths[n], (unsigned long long)before);
        left -= widths[n] * before;
    }
    TRY_THAT(outputs * (double)max_rows <= work_most, WEIR_FORMAT,
             "%s: its nodes have %.0f outputs, too many for %zu rows at a time", path, outputs, max_rows);
done:
    weir__free(widths);
    return status;
}

static weir_status read_parameters(weir_graph *graph, const weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_parameters p = weir_graph_parameters(graph);
    weir__buffer plain = {0};
    for (size_t i = 0; i < p.tensor_count; i++) {
        const weir_tensor *tensor = &p.tensors[i];
        const weir__stored wanted = array_of(tensor, NULL);
        const weir__tiling tiling = weir__tensor_tiling(tensor);
        const bool in_place = weir__tiling_is_plain(&tiling);
        if (!in_place) TRY(weir__buffer_reserve(&plain, tensor->rows * tensor->columns, error));
        float *values = in_place ? p.values + tensor->offset : plain.data;
        TRY(weir__safetensors_read(file, &wanted, values, error));
        TRY(check_finite(tensor, values, weir__safetensors_path(file), error));
        if (!in_place) weir__tensor_pack(tensor, p.values, values);
    }
done:
    weir__buffer_free(&plain);
    return status;
}

// Whatever is wrong with a description that came from a file is wrong with the file. Puts the path, if any, before the
// text.
static weir_status as_of_file(weir_status status, const char *path, weir_error *error) {
    if (status == WEIR_OK) return WEIR_OK;
    if (status != WEIR_MEMORY) status = WEIR_FORMAT;
    if (path) return weir__fail_in(error, status, path);
    if (error) error->status = status;
    return status;
}

static weir_status read_config(weir_config *config, const weir__safetensors *file, weir_error *error) {
    const char *path = weir__safetensors_path(file);
    const char *text = weir__safetensors_metadata(file, "weir.config");
    char name[256];
    if (!text) return weir__fail(error, WEIR_FORMAT, "%s: __metadata__ has no \"weir.config\"", path);
    snprintf(name, sizeof name, "%s (weir.config)", path);
    return as_of_file(weir_config_parse(config, text, name, NULL, 0, error), NULL, error);
}

static weir_status load(weir_graph **graph, weir_config *config, const weir__safetensors *file,
                        const weir_graph_options *wanted, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *path = weir__safetensors_path(file);
    weir_graph *made = NULL;
    weir_config read = {0};
    weir_graph_options options = *wanted;
    options.training = options.input_gradients = false;
    TRY(check_format(file, error));
    TRY(read_config(&read, file, error));
    TRY(check_sizes(file, &read, wanted->max_rows, error));
    (void)weir_precision_find(&options.precision, read.precision); // the configuration knows no other names
    TRY(as_of_file(weir__graph_create_zero(&made, read.network, read.network_count, &options, error), path, error));
    TRY(read_parameters(made, file, error));
    TRY(read_thresholds(made, weir__safetensors_metadata(file, "weir.thresholds"), path, error));
    if (read.train.sparsity.kind && strcmp(read.train.sparsity.kind, "prior") == 0)
        TRY(as_of_file(weir__graph_prior_set(made, read.train.sparsity.target, error), path, error));
    TRY(read_scale(made, file, error));
    TRY(as_of_file(read_names(made, file, error), NULL, error));
    *graph = made;
    made = NULL;
    if (config) {
        *config = read;
        read = (weir_config){0};
    }
done:
    weir_config_free(&read);
    weir_graph_free(made);
    return status;
}

weir_status weir_model_load_with(weir_graph **graph, weir_config *config, const char *path, const void *bytes,
                                 size_t size, const weir_graph_options *options, weir_error *error) {
    weir__safetensors *file = NULL;
    *graph = NULL;
    if (config) *config = (weir_config){0};
    weir_status status =
        path ? weir__safetensors_open(&file, path, error) : weir__safetensors_open_memory(&file, bytes, size, error);
    if (status == WEIR_OK) {
        // In the calling thread: starting others takes longer than a model of some megabytes, and larger ones wait for
        // memory.
        const int threads = weir__threads_begin(1);
        const weir_graph_options *names = weir__own_names_use(options);
        status = load(graph, config, file, options, error);
        weir__own_names_use(names);
        weir__threads_end(threads);
    }
    weir__safetensors_close(file);
    return status;
}

weir_status weir_model_load(weir_graph **graph, weir_config *config, const char *path, size_t max_rows,
                            weir_error *error) {
    const weir_graph_options options = weir_graph_options_default(max_rows);
    return weir_model_load_with(graph, config, path ? path : "", NULL, 0, &options, error);
}

weir_status weir_model_load_memory(weir_graph **graph, weir_config *config, const void *bytes, size_t size,
                                   size_t max_rows, weir_error *error) {
    const weir_graph_options options = weir_graph_options_default(max_rows);
    return weir_model_load_with(graph, config, NULL, bytes, size, &options, error);
}
