// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_exactness.c
/// `weir estimate exactness`: every rule drawn many times on losses whose exact gradient is known.
///
/// Each rule is drawn on four units, on one bit at five probabilities, and the rules with an exact constant on 200
/// units. The draws of a rule are shared among tasks with estimators and seeds of their own; sums are added in the
/// order of the tasks, so that the table does not depend on the number of threads. Standard errors come from the means
/// of batches: rules whose baselines join the rows of a batch, or learn, are judged rightly, too.
#include "estimate.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNKS = 4, SETTLE_LEAST = 50, SETTLE_MOST = 2500, SETTLE_ROWS = 200, WIDE_UNITS = 200 };
static const double bound_z = 4; // standard errors

/// Draws of one rule on one problem: sums over rows and over batches of estimate − expected mean.
typedef struct tally {
    size_t rows, batches;
    double sum[LAB_UNITS], square[LAB_UNITS], batch_square[LAB_UNITS]; ///< per unit
    double loss;
    double power, batch_power; ///< Σ over units of squares: of rows, and squared over batches
} tally;

/// Where a task draws.
typedef enum lab_place { PLACE_FOUR, PLACE_BIT, PLACE_WIDE } lab_place;

typedef struct task {
    size_t rule, chunk; ///< chunk: of four units; index of the probability of one bit
    lab_place place;
    double draws, cost;
    tally seen;
    double wide_variance; ///< PLACE_WIDE: mean over the units
    bool unsupported;
    weir_error error;
} task;

/// What came of a rule.
typedef struct verdict {
    lab_truth truth;
    lab_reference known;
    size_t evaluations;
    double draws, bias, noise, variance, variance_error, z;
    double bit_variance[LAB_PLACES], bit_z, wide_variance;
    bool unsupported, judged, pass_mean, pass_bias, pass_variance, pass_bit, pass_wide;
} verdict;

static bool passes(const verdict *v) {
    return v->pass_mean && v->pass_bias && v->pass_variance && v->pass_bit && v->pass_wide;
}

/// Progress of all tasks; the first thread draws it.
typedef struct progress {
    double done, total, started;
    cli_bar bar;
} progress;

static void advance(progress *p, double cost) {
    double done;
#pragma omp atomic capture
    done = p->done += cost;
    if (omp_get_thread_num() != 0) return;
    const double share = done / p->total, spent = cli_clock() - p->started;
    cli_bar_show(&p->bar, share, share > 0.01 ? spent / share - spent : -1, "estimates", "");
}

static void add_batch(tally *t, const float *estimates, size_t rows, size_t units, const double *mean) {
    double power = 0;
    for (size_t i = 0; i < units; i++) {
        double sum = 0, square = 0;
        for (size_t r = 0; r < rows; r++) {
            const double off = (double)estimates[r * units + i] - mean[i];
            sum += off;
            square += off * off;
        }
        t->sum[i] += sum;
        t->square[i] += square;
        t->batch_square[i] += (sum / (double)rows) * (sum / (double)rows);
        power += square;
    }
    t->power += power;
    t->batch_power += (power / (double)rows) * (power / (double)rows);
    t->rows += rows;
    t->batches++;
}

/// Rows of a batch: many batches, so that their spread is known, and not so few rows that calls are all that it does.
static size_t batch_rows(double draws) { return draws >= 400000 ? 1000 : draws >= 40000 ? 250 : 100; }

/// Lets baselines and control variates settle.
static weir_status settle(weir_estimator *estimator, lab_problem *problem, const float *logits, float *estimates,
                          size_t rows, double draws, weir_error *error) {
    size_t state;
    const double steps = fmin(SETTLE_MOST, fmax(SETTLE_LEAST, draws / 100));
    weir_status status = WEIR_OK;
    if (weir_estimator_state(estimator, &state) == NULL) return WEIR_OK;
    for (size_t step = 0; step < (size_t)steps && status == WEIR_OK; step++)
        status = weir_estimate(estimator, estimates, NULL, logits, rows < SETTLE_ROWS ? rows : SETTLE_ROWS,
                               problem->objective, problem, error);
    return status;
}

static void draw_task(task *t, const lab_rule *rule, const lab_problem *from, const double *mean, progress *p) {
    lab_problem own = *from, *problem = &own;
    const size_t rows = batch_rows(t->draws), units = problem->units;
    float *logits = calloc(rows * units, sizeof *logits), *estimates = calloc(rows * units, sizeof *estimates);
    weir_estimator *estimator = NULL;
    const uint64_t seed = 1308343200 + 16 * t->chunk + t->place;
    weir_status status = WEIR_MEMORY;
    if (logits != NULL && estimates != NULL)
        status = weir_estimator_create(&estimator, &rule->unit, units, rows, seed, &t->error);
    t->unsupported = status == WEIR_UNSUPPORTED;
    for (size_t k = 0; status == WEIR_OK && k < rows * units; k++) logits[k] = (float)problem->logits[k % units];
    if (status == WEIR_OK) status = settle(estimator, problem, logits, estimates, rows, t->draws, &t->error);
    while (status == WEIR_OK && (double)t->seen.rows < t->draws && !cli_interrupted()) {
        status = weir_estimate(estimator, estimates, NULL, logits, rows, problem->objective, problem, &t->error);
        if (status == WEIR_OK) add_batch(&t->seen, estimates, rows, units, mean);
        advance(p, t->cost / t->draws * (double)rows);
    }
    t->error.status = status;
    weir_estimator_free(estimator);
    free(logits);
    free(estimates);
}

/// Variance per unit of 200 units at p = ½.
static void draw_wide(task *t, const lab_rule *rule, progress *p) {
    enum { rows = 200 };
    double target = lab_target, mean[WIDE_UNITS], variance[WIDE_UNITS], sum = 0;
    const float logits[WIDE_UNITS] = {0};
    weir_moments moments = {.mean = mean, .variance = variance};
    weir_estimator *estimator = NULL;
    weir_status status = weir_estimator_create(&estimator, &rule->unit, WIDE_UNITS, rows, 1308343200, &t->error);
    if (status == WEIR_OK)
        status =
            weir_estimate_moments(estimator, &moments, logits, (uint64_t)t->draws, lab_quadratic, &target, &t->error);
    for (size_t i = 0; status == WEIR_OK && i < WIDE_UNITS; i++) sum += variance[i] / WIDE_UNITS;
    t->wide_variance = sum;
    t->error.status = status;
    advance(p, t->cost);
    weir_estimator_free(estimator);
}

static void set_tasks(task *tasks, size_t *count, const lab_rule *rules, size_t rule_count, double draws) {
    const double bit_draws = fmax(draws / 10, 1e5), wide_draws = fmin(1e6, fmax(draws / 10, 2e4));
    *count = 0;
    for (size_t r = 0; r < rule_count; r++) {
        const lab_reference known = lab_reference_of(rules[r].text);
        const size_t groups = weir_unit_groups(&rules[r].unit, LAB_UNITS, 1),
                     one = weir_unit_groups(&rules[r].unit, 1, 1);
        for (size_t c = 0; c < CHUNKS; c++)
            tasks[(*count)++] = (task){.rule = r,
                                       .chunk = c,
                                       .place = PLACE_FOUR,
                                       .draws = draws / CHUNKS,
                                       .cost = draws / CHUNKS * (double)(1 + groups)};
        for (size_t c = 0; c < LAB_PLACES; c++)
            tasks[(*count)++] = (task){.rule = r,
                                       .chunk = c,
                                       .place = PLACE_BIT,
                                       .draws = bit_draws,
                                       .cost = bit_draws / 2 * (double)(1 + one)};
        if (!isnan(known.two_hundred))
            tasks[(*count)++] = (task){.rule = r, .place = PLACE_WIDE, .draws = wide_draws, .cost = wide_draws * 50};
    }
}

/// The greatest distance of a mean from what it ought to be, in standard errors. Sums of float leave a rounding of
/// their own, which is all that rules without variance have.
static double z_of(const tally *t, size_t units, const double *mean) {
    double most = 0;
    const double rows = (double)t->rows, batches = (double)t->batches;
    for (size_t i = 0; i < units; i++) {
        const double off = t->sum[i] / rows;
        const double spread = fmax(0, t->batch_square[i] / batches - off * off);
        const double error = sqrt(spread / (batches - 1)) + 1e-6 * fabs(mean[i]) + 1e-8;
        if (!(fabs(off) / error <= most)) most = fabs(off) / error; // a NaN stays
        if (isnan(most)) return INFINITY;
    }
    return most;
}

static double variance_of(const tally *t, size_t units) {
    double total = 0;
    for (size_t i = 0; i < units; i++) {
        const double off = t->sum[i] / (double)t->rows;
        total += t->square[i] / (double)t->rows - off * off;
    }
    return total < 1e-20 ? 0 : total; // less is what rounding leaves of equal numbers
}

/// Standard error of a variance, from the spread of batches.
static double variance_error(const tally *t) {
    const double mean = t->power / (double)t->rows, batches = (double)t->batches;
    return sqrt(fmax(0, t->batch_power / batches - mean * mean) / (batches - 1));
}

static void add_tally(tally *sum, const tally *part) {
    for (size_t i = 0; i < LAB_UNITS; i++) {
        sum->sum[i] += part->sum[i];
        sum->square[i] += part->square[i];
        sum->batch_square[i] += part->batch_square[i];
    }
    sum->power += part->power;
    sum->batch_power += part->batch_power;
    sum->rows += part->rows;
    sum->batches += part->batches;
}

static void judge_four(verdict *v, const tally *all, size_t units) {
    double square = 0;
    for (size_t i = 0; i < units; i++) {
        const double mean = v->truth.mean[i] + all->sum[i] / (double)all->rows;
        square += pow(mean - v->truth.gradient[i], 2);
    }
    v->draws = (double)all->rows;
    v->bias = sqrt(square);
    v->variance = variance_of(all, units);
    v->variance_error = variance_error(all);
    v->z = z_of(all, units, v->truth.mean);
    v->noise = bound_z * sqrt(v->variance / v->draws);
    v->judged = v->truth.known || !isnan(v->known.bias);
    v->pass_mean = !v->truth.known || v->z <= bound_z;
    // the published bias is rounded, and itself a mean of 4·10⁶ draws
    const double allowed = v->known.digit + v->noise + bound_z * sqrt(v->variance / 4e6);
    v->pass_bias = isnan(v->known.bias) || fabs(v->bias - v->known.bias) <= allowed;
    v->pass_variance =
        isnan(v->known.variance) ||
        fabs(v->variance - v->known.variance) <= v->known.tolerance * v->known.variance + bound_z * v->variance_error;
}

static void judge_bit(verdict *v, const tally *seen, size_t place, const lab_truth *truth) {
    const double known = v->known.one_bit[place];
    if (truth->known) v->bit_z = fmax(v->bit_z, z_of(seen, 1, truth->mean));
    v->pass_bit = v->pass_bit && (!truth->known || v->bit_z <= bound_z);
    if (isnan(known)) return;
    // 10⁻¹³: what the rounding of losses near ¼ to float leaves
    const double allowed = 0.01 * known + bound_z * variance_error(seen) + 1e-13;
    v->pass_bit = v->pass_bit && fabs(variance_of(seen, 1) - known) <= allowed;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *verdict_json(const lab_rule *rule, const verdict *v) {
    const weir_rule *r = rule->unit.rule;
    json_t *line = json_pack("{s:s, s:b, s:b, s:b}", "rule", rule->text, "unbiased", v->truth.unbiased, "pass",
                             passes(v), "judged", v->judged);
    json_t *bits = json_object();
    json_object_set_new(line, "z_max", number(v->truth.known ? fmax(v->z, v->bit_z) : NAN));
    json_object_set_new(line, "bias", number(v->bias));
    json_object_set_new(line, "bias_reference", number(v->known.bias));
    json_object_set_new(line, "bias_noise", number(v->noise));
    json_object_set_new(line, "variance", number(v->variance));
    json_object_set_new(line, "variance_reference", number(v->known.variance));
    json_object_set_new(line, "evaluations", json_integer((json_int_t)v->evaluations));
    json_object_set_new(line, "backward_passes", json_integer(r->gradients));
    json_object_set_new(line, "variance_times_evaluations", number(v->variance * (double)v->evaluations));
    for (size_t k = 0; k < LAB_PLACES; k++) {
        char name[CLI_NUMBER];
        snprintf(name, sizeof name, "%g", lab_places[k]);
        json_object_set_new(bits, name, number(v->bit_variance[k]));
    }
    json_object_set_new(line, "one_bit_variance", bits);
    json_object_set_new(line, "variance_200_units", number(v->wide_variance));
    json_object_set_new(line, "draws", number(v->draws));
    return line;
}

static const char *cell(char text[CLI_NUMBER], double value, int digits) {
    if (isnan(value))
        text[0] = '\0';
    else
        snprintf(text, CLI_NUMBER, "%.*g", digits, value);
    return text;
}

static const char *outcome(const verdict *v) {
    if (!v->pass_mean) return "MEAN";
    if (!v->pass_bias) return "BIAS";
    if (!v->pass_variance) return "VARIANCE";
    if (!v->pass_bit) return "ONE BIT";
    if (!v->pass_wide) return "200 UNITS";
    return v->judged ? "holds" : "-";
}

static void fill_row(const lab_rule *rule, const verdict *v, const char *separator, char *text, size_t size) {
    char bias[CLI_NUMBER], known_bias[CLI_NUMBER], known_variance[CLI_NUMBER], z[CLI_NUMBER];
    const double most = v->truth.known ? fmax(v->z, v->bit_z) : NAN;
    if (v->truth.unbiased && v->pass_mean)
        snprintf(bias, sizeof bias, "0");
    else
        cell(bias, v->bias, 3);
    snprintf(text, size, "%s%s%s%s%zu%s%d%s%s%s%s%s%.4g%s%s%s%.3g%s%s%s%s", rule->text, separator,
             v->truth.unbiased ? "yes" : "no", separator, v->evaluations, separator, rule->unit.rule->gradients,
             separator, bias, separator, cell(known_bias, v->known.bias, 4), separator, v->variance, separator,
             cell(known_variance, v->known.variance, 4), separator, v->variance * (double)v->evaluations, separator,
             cell(z, most, 2), separator, outcome(v));
}

static const char legend[] =
    "Four units, f = exp(½(h₁ − h₂ + ½h₃ + 2h₄)): bias: distance of the mean from the exact gradient (0.7558 long); "
    "variance: of the four coordinates together; known: published or exact value; var·ev: variance times evaluations "
    "of "
    "the loss; z: greatest distance of a mean from what the rule's definition gives, in standard errors, also on one "
    "bit.";

static void print_table(const lab_rule *rules, const verdict *verdicts, size_t count, bool markdown) {
    char text[400];
    cli_table table = {.align = "llrrrrrrrrl"};
    if (markdown)
        printf("| rule | unbiased | evals | bwd | bias | known | variance | known | var·ev | z | result |\n"
               "|---|---|---|---|---|---|---|---|---|---|---|\n");
    else
        cli_table_add(&table, "rule\tunbiased\tevals\tbwd\tbias\tknown\tvariance\tknown\tvar·ev\tz\tresult");
    for (size_t k = 0; k < count; k++) {
        if (verdicts[k].unsupported) continue;
        fill_row(&rules[k], &verdicts[k], markdown ? " | " : "\t", text, sizeof text);
        if (markdown)
            printf("| %s |\n", text);
        else
            cli_table_add(&table, "%s", text);
    }
    if (!markdown) cli_table_print(&table, stdout);
}

/// Variances of one bit beside the closed forms.
static void print_bits(const lab_rule *rules, const verdict *verdicts, size_t count, bool markdown) {
    cli_table table = {.align = "lrrrrr"};
    printf("\nVariance of one bit, (h − %g)², at p =\n\n", lab_target);
    if (markdown)
        printf("| rule | 0.5 | 0.3 | 0.2 | 0.1 | 0.02 |\n|---|---|---|---|---|---|\n");
    else
        cli_table_add(&table, "rule\t0.5\t0.3\t0.2\t0.1\t0.02");
    for (size_t k = 0; k < count; k++) {
        if (isnan(verdicts[k].known.one_bit[0])) continue;
        for (int exact = 0; exact < 2; exact++) {
            const double *v = exact ? verdicts[k].known.one_bit : verdicts[k].bit_variance;
            const char *name = exact ? "  exact" : rules[k].text;
            if (markdown)
                printf("| %s | %.3e | %.3e | %.3e | %.3e | %.3e |\n", name, v[0], v[1], v[2], v[3], v[4]);
            else
                cli_table_add(&table, "%s\t%.3e\t%.3e\t%.3e\t%.3e\t%.3e", name, v[0], v[1], v[2], v[3], v[4]);
        }
    }
    if (!markdown) cli_table_print(&table, stdout);
    for (size_t k = 0; k < count; k++)
        if (!isnan(verdicts[k].known.two_hundred))
            printf("%s200 units at p = 0.5, %s: variance %.5g per unit, exact %.5g%s\n",
                   k == 0 || !markdown ? "" : "\n", rules[k].text, verdicts[k].wide_variance,
                   verdicts[k].known.two_hundred, markdown ? "  " : "");
}

static int print(const lab_options *options, const lab_rule *rules, const verdict *verdicts, size_t count,
                 double seconds) {
    size_t wrong = 0, shown = 0, bits = 0;
    char time[CLI_NUMBER];
    for (size_t k = 0; k < count; k++) {
        if (verdicts[k].unsupported) continue;
        wrong += !passes(&verdicts[k]);
        bits += !isnan(verdicts[k].known.one_bit[0]);
        shown++;
        if (!options->json) continue;
        json_t *line = verdict_json(&rules[k], &verdicts[k]);
        if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
        json_decref(line);
    }
    if (!options->json) {
        print_table(rules, verdicts, count, options->markdown);
        if (bits > 0) print_bits(rules, verdicts, count, options->markdown);
        putchar('\n');
        cli_wrap(stdout, 0, legend);
        printf("\n%zu of %zu rules hold; %.3g draws each, %s\n", shown - wrong, shown, options->draws,
               cli_duration(time, seconds));
    }
    return wrong == 0 ? CLI_OK : CLI_FAILED;
}

static int judge(verdict *verdicts, const lab_rule *rules, const task *tasks, size_t task_count) {
    static tally none;
    tally all = none;
    for (size_t k = 0; k < task_count; k++) {
        const task *t = &tasks[k];
        verdict *v = &verdicts[t->rule];
        if (t->unsupported) {
            v->unsupported = true;
            continue;
        }
        if (t->error.status != WEIR_OK) {
            cli_note("%s:", rules[t->rule].text);
            return cli_weir_error(&t->error);
        }
        if (t->place == PLACE_FOUR) {
            if (t->chunk == 0) all = none;
            add_tally(&all, &t->seen);
            if (t->chunk + 1 == CHUNKS) judge_four(v, &all, LAB_UNITS);
        } else if (t->place == PLACE_BIT) {
            const lab_problem bit = lab_one_bit(lab_places[t->chunk], lab_target);
            const lab_truth truth = lab_truth_of(&rules[t->rule].unit, &bit);
            // units that are not binary may hardly ever open at the lower probabilities
            const bool binary = (rules[t->rule].unit.rule->traits & WEIR_TRAIT_BINARY) != 0;
            if (binary || lab_places[t->chunk] >= 0.3) judge_bit(v, &t->seen, t->chunk, &truth);
            v->bit_variance[t->chunk] = variance_of(&t->seen, 1);
        } else {
            v->wide_variance = t->wide_variance;
            // all units share the difference of two losses, whose square has a relative spread of √2
            v->pass_wide = fabs(t->wide_variance / v->known.two_hundred - 1) <= 0.01 + bound_z * sqrt(2 / t->draws);
        }
    }
    return CLI_OK;
}

static void run_task(task *t, const lab_rule *rule, const verdict *v, progress *p) {
    if (t->place == PLACE_FOUR) {
        draw_task(t, rule, &lab_four, v->truth.mean, p);
    } else if (t->place == PLACE_BIT) {
        const lab_problem bit = lab_one_bit(lab_places[t->chunk], lab_target);
        const lab_truth truth = lab_truth_of(&rule->unit, &bit);
        draw_task(t, rule, &bit, truth.mean, p);
    } else
        draw_wide(t, rule, p);
}

int lab_exactness(const lab_options *options) {
    lab_rule *rules = NULL;
    size_t count = 0, task_count = 0;
    int status = lab_rules(options->rules, &rules, &count);
    verdict *verdicts = calloc(count + 1, sizeof *verdicts);
    task *tasks = calloc(count * (CHUNKS + LAB_PLACES + 1) + 1, sizeof *tasks);
    if (verdicts == NULL || tasks == NULL) status = cli_error("out of memory");
    if (status == CLI_OK) {
        progress p = {.started = cli_clock()};
        for (size_t k = 0; k < count; k++) {
            verdicts[k] = (verdict){.truth = lab_truth_of(&rules[k].unit, &lab_four),
                                    .known = lab_reference_of(rules[k].text),
                                    .evaluations = weir_unit_groups(&rules[k].unit, LAB_UNITS, 1),
                                    .wide_variance = NAN,
                                    .pass_bit = true,
                                    .pass_wide = true};
        }
        set_tasks(tasks, &task_count, rules, count, options->draws);
        for (size_t k = 0; k < task_count; k++) p.total += tasks[k].cost;
        cli_bar_begin(&p.bar);
#pragma omp parallel for schedule(dynamic, 1) num_threads(weir_threads())
        for (size_t k = 0; k < task_count; k++) {
            if (!cli_interrupted()) run_task(&tasks[k], &rules[tasks[k].rule], &verdicts[tasks[k].rule], &p);
        }
        cli_bar_clear(&p.bar);
        if (cli_interrupted())
            status = cli_error("stopped; nothing is judged");
        else
            status = judge(verdicts, rules, tasks, task_count);
        if (status == CLI_OK) status = print(options, rules, verdicts, count, cli_clock() - p.started);
    }
    free(rules);
    free(verdicts);
    free(tasks);
    return status;
}
