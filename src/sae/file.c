// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Folders of SAELens (6.54: sae_weights.safetensors and cfg.json) and of sparsify (1.3: sae.safetensors and cfg.json).
//
// SAELens keeps W_enc by inputs, [d_in][d_sae]; sparsify keeps encoder.weight by features, as it is here. What selects
// features (k, apply_b_dec_to_input, rescale_acts_by_decoder_norm) stands in cfg.json alone.

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "../core/parallel.h"
#include "../store/safetensors.h"
#include "loops.h"
#include "sae.h"

static const char weights_name[] = "sae_weights.safetensors", config_name[] = "cfg.json",
                  state_name[] = "weir_state.safetensors", sparsify_name[] = "sae.safetensors";
enum { CONFIG_MOST = 1 << 20 };

static weir_status path_of(char **path, const char *folder, const char *name, weir_error *error) {
    const size_t size = strlen(folder) + strlen(name) + 2;
    const weir_status status = weir__new(path, size, 1, "a path", error);
    if (!status) snprintf(*path, size, "%s/%s", folder, name);
    return status;
}

/// to[columns][rows] = from[rows][columns], tile by tile.
static void transpose(float *to, const float *from, size_t rows, size_t columns) {
    enum { TILE = 32 };
    for (size_t r0 = 0; r0 < rows; r0 += TILE) {
        for (size_t c0 = 0; c0 < columns; c0 += TILE) {
            for (size_t r = r0; r < rows && r < r0 + TILE; r++) {
                for (size_t c = c0; c < columns && c < c0 + TILE; c++) to[c * rows + r] = from[r * columns + c];
            }
        }
    }
}

// ---- writing -------------------------------------------------------------------------------------------------------

static json_t *own_settings(const weir_sae *sae) {
    const weir_sae_options *o = &sae->options;
    json_t *own = json_pack(
        "{s:s, s:I, s:b, s:b, s:b, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:s%, s:I}", "form",
        o->form, "k", (json_int_t)o->k, "tied", o->tied, "centred", o->centred, "unit_norm", o->unit_norm, "update",
        o->update, "scores", o->scores, "rate", (double)o->rate, "beta1", (double)o->beta1, "beta2", (double)o->beta2,
        "epsilon", (double)o->epsilon, "sparsity", (double)o->sparsity, "threshold", (double)o->threshold, "bandwidth",
        (double)o->bandwidth, "dead_coefficient", (double)o->dead_coefficient, "dead_k", (json_int_t)o->dead_k,
        "dead_rows", (json_int_t)(o->dead_rows > INT64_MAX ? INT64_MAX : o->dead_rows), "version", weir_version(),
        strlen(weir_version()), "steps", (json_int_t)sae->steps);
    const double common = weir__sae_threshold(sae);
    int failed = !own;
    if (!failed && !isnan(common)) failed |= json_object_set_new(own, "common_threshold", json_real(common));
    if (!failed) failed |= json_object_set_new(own, "seed", json_sprintf("%llu", (unsigned long long)o->seed));
    if (!failed) return own;
    json_decref(own);
    return NULL;
}

static weir_status write_config(const weir_sae *sae, const char *path, weir_error *error) {
    static const char *const architectures[WEIR__FORM_COUNT] = {"topk", "jumprelu", "jumprelu", "gated"};
    weir_status status = WEIR_OK;
    weir__file file = {0};
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:s, s:s, s:b, s:s, s:s, s:{s:o}}", "architecture", architectures[sae->form], "d_in",
                  (json_int_t)sae->inputs, "d_sae", (json_int_t)sae->features, "dtype", "float32", "device", "cpu",
                  "apply_b_dec_to_input", sae->options.centred, "normalize_activations", "none", "reshape_activations",
                  "none", "metadata", "weir", own_settings(sae));
    TRY_THAT(json, WEIR_MEMORY, "out of memory: %s", path);
    if (sae->form == WEIR__TOPK) {
        (void)json_object_set_new(json, "k", json_integer((json_int_t)sae->options.k));
        (void)json_object_set_new(json, "rescale_acts_by_decoder_norm", json_false());
    }
    TRY(weir__file_begin(&file, path, error));
    (void)json_dump_callback(json, weir__file_put, &file,
                             JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    (void)weir__file_put("\n", 1, &file);
    TRY(weir__file_commit(&file, error));
done:
    weir__file_abandon(&file);
    json_decref(json);
    return status;
}

static weir__stored stored(const char *name, const void *data, weir__dtype dtype, size_t rows, size_t columns) {
    weir__stored array = {.name = name, .dtype = dtype, .rank = rows > 1 ? 2 : 1, .data = data};
    array.shape[0] = rows > 1 ? rows : columns;
    array.shape[1] = rows > 1 ? columns : 0;
    return array;
}

static weir_status write_weights(const weir_sae *sae, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stored arrays[WEIR__ARRAY_COUNT];
    size_t count = 0;
    float *encoder = NULL, *threshold = NULL;
    TRY(weir__new(&encoder, sae->features * sae->inputs, sizeof *encoder, "a file", error));
    transpose(encoder, weir__sae_encoder(sae), sae->features, sae->inputs);
    // Two dimensions whatever the sizes.
    arrays[count++] = (weir__stored){"W_enc", WEIR__DTYPE_F32, 2, {sae->inputs, sae->features}, encoder};
    arrays[count++] =
        (weir__stored){"W_dec", WEIR__DTYPE_F32, 2, {sae->features, sae->inputs}, sae->values[WEIR__DECODER]};
    for (size_t i = 0; i < 6; i++) {
        const weir_sae_tensor t = weir_sae_parameter((weir_sae *)(uintptr_t)sae, i); // reads alone
        if (t.name && strncmp(t.name, "W_", 2) != 0)
            arrays[count++] = stored(t.name, t.values, WEIR__DTYPE_F32, 1, t.columns);
    }
    if (sae->form == WEIR__BATCH_TOPK) {
        const double common = weir__sae_threshold(sae);
        TRY(weir__new(&threshold, sae->features, sizeof *threshold, "a file", error));
        for (size_t f = 0; f < sae->features; f++) threshold[f] = isnan(common) ? 0 : (float)common;
        arrays[count++] = stored("threshold", threshold, WEIR__DTYPE_F32, 1, sae->features);
    }
    TRY(weir__safetensors_write(path, arrays, count, NULL, 0, error));
done:
    weir__free(encoder), weir__free(threshold);
    return status;
}

/// Names of moving averages.
static const char *const mean_names[WEIR__ARRAY_COUNT] = {"mean.W_enc", "mean.W_dec", "mean.b_enc",
                                                          "mean.b_dec", "mean.side",  "mean.scale"};
static const char *const square_names[WEIR__ARRAY_COUNT] = {"square.W_enc", "square.W_dec", "square.b_enc",
                                                            "square.b_dec", "square.side",  "square.scale"};

/// What a state holds, to be read or written.
static size_t list_state(const weir_sae *sae, weir__stored *arrays, const uint64_t counts[2],
                         const double threshold[2]) {
    size_t count = 0;
    arrays[count++] = stored("last", sae->last, WEIR__DTYPE_U64, 1, sae->features);
    arrays[count++] = stored("counts", counts, WEIR__DTYPE_U64, 1, 2); // steps, rows
    arrays[count++] = stored("running_threshold", threshold, WEIR__DTYPE_F64, 1, 2);
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        const size_t rows = weir__sae_rows(sae, a), columns = weir__sae_columns(sae, a);
        if (!sae->mean[a]) continue;
        arrays[count++] = stored(mean_names[a], sae->mean[a], WEIR__DTYPE_F32, rows, columns);
        arrays[count++] = stored(square_names[a], sae->square[a], WEIR__DTYPE_F32, rows, columns);
    }
    return count;
}

static weir_status write_state(const weir_sae *sae, const char *path, weir_error *error) {
    weir__stored arrays[3 + 2 * WEIR__ARRAY_COUNT];
    const uint64_t counts[2] = {sae->steps, sae->seen};
    const double threshold[2] = {sae->threshold_sum, sae->threshold_weight};
    const size_t count = list_state(sae, arrays, counts, threshold);
    return weir__safetensors_write(path, arrays, count, NULL, 0, error);
}

weir_status weir_sae_save(const weir_sae *sae, const char *folder, bool state, weir_error *error) {
    weir_status status = WEIR_OK;
    char *weights = NULL, *config = NULL, *averages = NULL;
    TRY(weir_folder_make(folder, error));
    TRY(path_of(&weights, folder, weights_name, error));
    TRY(path_of(&config, folder, config_name, error));
    TRY(path_of(&averages, folder, state_name, error));
    TRY(write_weights(sae, weights, error));
    if (state && sae->steps) TRY(write_state(sae, averages, error));
    TRY(write_config(sae, config, error));
    if (!state || !sae->steps) (void)remove(averages); // of other weights
done:
    weir__free(weights), weir__free(config), weir__free(averages);
    return status;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static weir_status read_config(json_t **json, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    char *text = NULL;
    size_t size = 0;
    json_error_t found;
    TRY(weir__file_read(path, CONFIG_MOST, &text, &size, error));
    *json = json_loadb(text, size, 0, &found);
    TRY_THAT(*json, WEIR_FORMAT, "%s:%d: %s", path, found.line, found.text);
    TRY_THAT(json_is_object(*json), WEIR_FORMAT, "%s: expected an object", path);
done:
    weir__free(text);
    return status;
}

static weir_status take_count(size_t *count, const json_t *object, const char *key, const char *path,
                              weir_error *error) {
    const json_t *value = json_object_get(object, key);
    const double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 1 && number <= (double)INT32_MAX))
        return weir__fail(error, WEIR_FORMAT, "%s: \"%s\": expected a whole number from 1 on", path, key);
    *count = (size_t)llround(number);
    return WEIR_OK;
}

static bool is_true(const json_t *object, const char *key, bool otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/// A setting that must have one value where it is said at all.
static weir_status must_be(const json_t *object, const char *key, const char *value, const char *path,
                           weir_error *error) {
    const json_t *found = json_object_get(object, key);
    if (!found || json_is_null(found) || (json_is_string(found) && !strcmp(json_string_value(found), value)))
        return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED, "%s: \"%s\": only \"%s\" is supported%s", path, key, value,
                      strcmp(key, "normalize_activations") ? "" : "; fold it into the weights in SAELens first");
}

static void take_float(float *number, const json_t *own, const char *key) {
    const json_t *value = json_object_get(own, key);
    if (json_is_number(value)) *number = (float)json_number_value(value);
}

/// What weir itself wrote into cfg.json; names are checked by weir_sae_create.
static void take_own(weir_sae_options *o, const json_t *own) {
    const char *form = json_string_value(json_object_get(own, "form"));
    const char *update = json_string_value(json_object_get(own, "update"));
    const char *scores = json_string_value(json_object_get(own, "scores"));
    const char *seed = json_string_value(json_object_get(own, "seed"));
    unsigned long long number = 0;
    if (form) o->form = form;
    if (update) o->update = update;
    if (scores) o->scores = scores;
    if (seed && sscanf(seed, "%llu", &number) == 1) o->seed = number;
    o->tied = is_true(own, "tied", false);
    o->unit_norm = is_true(own, "unit_norm", true);
    take_float(&o->rate, own, "rate"), take_float(&o->beta1, own, "beta1"), take_float(&o->beta2, own, "beta2");
    take_float(&o->epsilon, own, "epsilon"), take_float(&o->sparsity, own, "sparsity");
    take_float(&o->threshold, own, "threshold"), take_float(&o->bandwidth, own, "bandwidth");
    take_float(&o->dead_coefficient, own, "dead_coefficient");
    const json_int_t k = json_integer_value(json_object_get(own, "k"));
    const json_int_t dead_k = json_integer_value(json_object_get(own, "dead_k"));
    const json_t *dead_rows = json_object_get(own, "dead_rows");
    if (k > 0) o->k = (size_t)k;
    if (dead_k >= 0) o->dead_k = (size_t)dead_k;
    if (json_is_integer(dead_rows) && json_integer_value(dead_rows) >= 0)
        o->dead_rows = (uint64_t)json_integer_value(dead_rows);
}

static weir_status saelens_options(weir_sae_options *o, const json_t *json, const char *path, weir_error *error) {
    static const struct {
        const char *architecture, *form;
    } known[] = {{"topk", "topk"}, {"jumprelu", "jumprelu"}, {"gated", "gated"}, {"batchtopk", "batch-topk"}};
    weir_status status = WEIR_OK;
    size_t inputs = 0, features = 0;
    TRY(take_count(&inputs, json, "d_in", path, error));
    TRY(take_count(&features, json, "d_sae", path, error));
    *o = weir_sae_options_default(inputs, features);
    o->form = NULL;
    const json_t *named = json_object_get(json, "architecture");
    const char *architecture = json_string_value(named);
    for (size_t i = 0; architecture && i < sizeof known / sizeof *known; i++) {
        if (!strcmp(known[i].architecture, architecture)) o->form = known[i].form;
    }
    TRY_THAT(o->form, WEIR_UNSUPPORTED,
             "%s: \"architecture\" is \"%s\"; topk, batchtopk, jumprelu and gated are supported", path,
             architecture ? architecture : "missing");
    TRY(must_be(json, "normalize_activations", "none", path, error));
    TRY(must_be(json, "reshape_activations", "none", path, error));
    if (!strcmp(o->form, "topk") || !strcmp(o->form, "batch-topk")) TRY(take_count(&o->k, json, "k", path, error));
    o->centred = is_true(json, "apply_b_dec_to_input", true);
    const json_t *own = json_object_get(json_object_get(json, "metadata"), "weir");
    if (json_is_object(own)) {
        take_own(o, own);
    } else {
        o->unit_norm = false; // until the weights are known
    }
done:
    return status;
}

static weir_status sparsify_options(weir_sae_options *o, const json_t *json, const weir__safetensors *file,
                                    const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t inputs = 0;
    const weir__stored *decoder = weir__safetensors_find(file, "W_dec");
    TRY(take_count(&inputs, json, "d_in", path, error));
    TRY_THAT(decoder && decoder->rank == 2 && decoder->shape[0], WEIR_FORMAT,
             "%s: no tensor \"W_dec\" of two dimensions", weir__safetensors_path(file));
    *o = weir_sae_options_default(inputs, decoder->shape[0]);
    TRY(take_count(&o->k, json, "k", path, error));
    TRY(must_be(json, "activation", "topk", path, error));
    TRY_THAT(!is_true(json, "transcode", false) && !is_true(json, "skip_connection", false), WEIR_UNSUPPORTED,
             "%s: a transcoder, or one with a skip connection; autoencoders are supported", path);
    o->unit_norm = is_true(json, "normalize_decoder", true);
done:
    return status;
}

/// An array of floats of any width; rows 0: of one dimension.
static weir_status read_floats(const weir__safetensors *file, const char *name, float *out, size_t rows, size_t columns,
                               weir_error *error) {
    const weir__stored *found = weir__safetensors_find(file, name);
    const bool fits = found && found->rank == (rows ? 2 : 1) && found->shape[0] == (rows ? rows : columns) &&
                      (!rows || found->shape[1] == columns);
    if (fits) return weir__safetensors_read_floats(file, found, out, error);
    char shape[64];
    if (rows) snprintf(shape, sizeof shape, "[%zu, %zu]", rows, columns);
    if (!rows) snprintf(shape, sizeof shape, "[%zu]", columns);
    return weir__fail(error, WEIR_FORMAT, "%s: %s tensor \"%s\" of shape %s", weir__safetensors_path(file),
                      found ? "expected a" : "no", name, shape);
}

/// Scores times the norm of their row of D, decoded by rows of norm 1: the same codes by plain weights.
static void fold_norms(weir_sae *sae) {
    const size_t width = sae->inputs;
    for (size_t f = 0; f < sae->features; f++) {
        float *decoder = sae->values[WEIR__DECODER] + f * width;
        const float norm = sqrtf(weir__loop_dot(decoder, decoder, width));
        if (!(norm > 0)) continue;
        weir__loop_scale(decoder, 1 / norm, width);
        weir__loop_scale(sae->values[WEIR__ENCODER] + f * width, norm, width);
        sae->values[WEIR__ENCODER_BIAS][f] *= norm;
    }
}

static bool has_unit_norms(const weir_sae *sae) {
    for (size_t f = 0; f < sae->features; f++) {
        const float *row = sae->values[WEIR__DECODER] + f * sae->inputs;
        if (!(fabsf(weir__loop_dot(row, row, sae->inputs) - 1) < 1e-3f)) return false;
    }
    return true;
}

static weir_status read_saelens(weir_sae *sae, const weir__safetensors *file, const json_t *json, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t inputs = sae->inputs, features = sae->features;
    const json_t *own = json_object_get(json_object_get(json, "metadata"), "weir");
    float *encoder = NULL;
    TRY(read_floats(file, "W_dec", sae->values[WEIR__DECODER], features, inputs, error));
    if (!sae->options.tied) {
        TRY(weir__new(&encoder, features * inputs, sizeof *encoder, "a file", error));
        TRY(read_floats(file, "W_enc", encoder, inputs, features, error));
        transpose(sae->values[WEIR__ENCODER], encoder, inputs, features);
    }
    TRY(read_floats(file, sae->form == WEIR__GATED ? "b_gate" : "b_enc", sae->values[WEIR__ENCODER_BIAS], 0, features,
                    error));
    TRY(read_floats(file, "b_dec", sae->values[WEIR__DECODER_BIAS], 0, inputs, error));
    if (sae->form == WEIR__GATED) {
        TRY(read_floats(file, "b_mag", sae->values[WEIR__SIDE], 0, features, error));
        TRY(read_floats(file, "r_mag", sae->values[WEIR__SCALE], 0, features, error));
    }
    if (sae->form == WEIR__JUMPRELU) {
        const bool logarithm =
            !weir__safetensors_find(file, "threshold") && weir__safetensors_find(file, "log_threshold");
        float *threshold = sae->values[WEIR__SIDE];
        TRY(read_floats(file, logarithm ? "log_threshold" : "threshold", threshold, 0, features, error));
        for (size_t f = 0; f < features && logarithm; f++) threshold[f] = expf(threshold[f]);
    }
    if (is_true(json, "rescale_acts_by_decoder_norm", false) && !sae->options.tied) fold_norms(sae);
    if (!own) sae->options.unit_norm = has_unit_norms(sae);
    const json_t *common = json_object_get(own, "common_threshold");
    if (sae->form == WEIR__BATCH_TOPK && json_is_number(common))
        TRY(weir_sae_set_threshold(sae, json_number_value(common), error));
    const weir__stored *running = weir__safetensors_find(file, "topk_threshold");
    if (sae->form == WEIR__BATCH_TOPK && !own && running && weir__stored_values(running) == 1) {
        float threshold = 0;
        TRY(weir__safetensors_read_floats(file, running, &threshold, error));
        TRY(weir_sae_set_threshold(sae, (double)threshold, error));
    }
done:
    weir__free(encoder);
    return status;
}

static weir_status read_sparsify(weir_sae *sae, const weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(read_floats(file, "encoder.weight", sae->values[WEIR__ENCODER], sae->features, sae->inputs, error));
    TRY(read_floats(file, "encoder.bias", sae->values[WEIR__ENCODER_BIAS], 0, sae->features, error));
    TRY(read_floats(file, "W_dec", sae->values[WEIR__DECODER], sae->features, sae->inputs, error));
    TRY(read_floats(file, "b_dec", sae->values[WEIR__DECODER_BIAS], 0, sae->inputs, error));
done:
    return status;
}

static weir_status read_state(weir_sae *sae, const char *path, const json_t *json, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__safetensors *file = NULL;
    uint64_t counts[2] = {0};
    double threshold[2] = {0};
    weir__stored arrays[3 + 2 * WEIR__ARRAY_COUNT];
    TRY(weir__safetensors_open(&file, path, error));
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        const size_t count = weir__sae_rows(sae, a) * weir__sae_columns(sae, a);
        if (!sae->values[a]) continue;
        TRY(weir__new(&sae->mean[a], count, sizeof(float), "moving averages", error));
        TRY(weir__new(&sae->square[a], count, sizeof(float), "moving averages", error));
    }
    const size_t count = list_state(sae, arrays, counts, threshold);
    for (size_t i = 0; i < count; i++)
        TRY(weir__safetensors_read(file, &arrays[i], (void *)(uintptr_t)arrays[i].data, error)); // ours, to be filled
    const json_t *own = json_object_get(json_object_get(json, "metadata"), "weir");
    const json_int_t steps = json_integer_value(json_object_get(own, "steps"));
    TRY_THAT(steps >= 0 && (uint64_t)steps == counts[0], WEIR_FORMAT,
             "%s: of step %llu, but %s is of step %lld: remove one of them", path, (unsigned long long)counts[0],
             config_name, (long long)steps);
    for (size_t f = 0; f < sae->features; f++)
        TRY_THAT(sae->last[f] <= counts[1], WEIR_FORMAT, "%s: \"last\" is beyond the rows seen", path);
    sae->steps = counts[0], sae->seen = counts[1];
    sae->threshold_sum = threshold[0], sae->threshold_weight = threshold[1];
done:
    weir__safetensors_close(file);
    return status;
}

static weir_status check_finite(const weir_sae *sae, const char *path, weir_error *error) {
    for (size_t i = 0; i < WEIR__ARRAY_COUNT; i++) {
        const weir_sae_tensor t = weir_sae_parameter((weir_sae *)(uintptr_t)sae, i); // reads alone
        for (size_t k = 0; t.name && k < t.rows * t.columns; k++) {
            if (!isfinite(t.values[k]))
                return weir__fail(error, WEIR_FORMAT, "%s: \"%s\" holds a value that is not finite", path, t.name);
        }
    }
    return WEIR_OK;
}

static bool exists(const char *path) {
    weir_content content;
    return weir_content_find(&content, path, NULL) == WEIR_OK;
}

weir_status weir_sae_load(weir_sae **out, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    char *weights = NULL, *config = NULL, *averages = NULL, *sparsify = NULL;
    weir_sae_options options;
    weir_sae *sae = NULL;
    weir__safetensors *file = NULL;
    json_t *json = NULL;
    *out = NULL;
    TRY(path_of(&weights, folder, weights_name, error));
    TRY(path_of(&config, folder, config_name, error));
    TRY(path_of(&averages, folder, state_name, error));
    TRY(path_of(&sparsify, folder, sparsify_name, error));
    const bool is_sparsify = !exists(weights) && exists(sparsify);
    TRY_THAT(is_sparsify || exists(weights), WEIR_NOT_FOUND, "%s: holds neither %s (SAELens) nor %s (sparsify)", folder,
             weights_name, sparsify_name);
    TRY(read_config(&json, config, error));
    TRY(weir__safetensors_open(&file, is_sparsify ? sparsify : weights, error));
    TRY(is_sparsify ? sparsify_options(&options, json, file, config, error)
                    : saelens_options(&options, json, config, error));
    // Sizes are believed only as far as the file goes.
    const weir__stored *decoder = weir__safetensors_find(file, "W_dec");
    TRY_THAT(decoder && decoder->rank == 2 && decoder->shape[0] == options.features &&
                 decoder->shape[1] == options.inputs,
             WEIR_FORMAT, "%s: no tensor \"W_dec\" of shape [%zu, %zu], which %s says", weir__safetensors_path(file),
             options.features, options.inputs, config_name);
    TRY(weir_sae_create(&sae, &options, error));
    TRY(is_sparsify ? read_sparsify(sae, file, error) : read_saelens(sae, file, json, error));
    TRY(check_finite(sae, weir__safetensors_path(file), error));
    if (!is_sparsify && exists(averages)) TRY(read_state(sae, averages, json, error));
    *out = sae, sae = NULL;
done:
    weir_sae_free(sae);
    weir__safetensors_close(file);
    json_decref(json);
    weir__free(weights), weir__free(config), weir__free(averages), weir__free(sparsify);
    return status;
}
