// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of a node's fields. Zero or no text is "not said"; the default is what that means.

#include <string.h>

#include "fields.h"
#include <weir/kind.h>

enum { kinds_most = 64 };

static _Thread_local const weir_graph_options *own_names;

const weir_graph_options *weir__own_names_use(const weir_graph_options *own) {
    const weir_graph_options *former = own_names;
    own_names = own;
    return former;
}

const weir_kind *weir__kind_named(const char *name) {
    for (size_t k = 0; own_names && own_names->kinds && k < own_names->kind_count; k++) {
        const weir_kind *own = &own_names->kinds[k].about;
        if (own->name && !strcmp(own->name, name)) return own;
    }
    return weir_kind_find(name);
}

static weir_status check_name(const char *text, weir_error *error) {
    if (*text && !text[strcspn(text, ".,= \t\r\n")]) return WEIR_OK;
    return weir__fail(error, WEIR_CONFIG, "expected a name without dots, commas, equal signs and spaces, found '%.60s'",
                      text);
}

static weir_status check_kind(const char *text, weir_error *error) {
    const char *names[kinds_most];
    size_t count = 0;
    if (weir__kind_named(text)) return WEIR_OK;
    for (const weir_kind *kind; count < kinds_most && (kind = weir_kind_at(count)); count++) names[count] = kind->name;
    return weir__fail_choice(error, names, count, text);
}

static weir_status check_rule(const char *text, weir_error *error) {
    weir_unit unit;
    const size_t own = own_names && own_names->rules ? own_names->rule_count : 0;
    if (weir_unit_parse_among(&unit, text, own ? own_names->rules : NULL, own, error) == WEIR_OK) return WEIR_OK;
    if (error) error->status = WEIR_CONFIG;
    return WEIR_CONFIG;
}

#define AT(member) offsetof(weir_node, member)

static const weir__field fields[] = {
    {"name", WEIR__TEXT, AT(name), .expects = "a name", .check = check_name, .about = "unique name"},
    {"kind", WEIR__TEXT, AT(kind), .expects = "a kind of node", .check = check_kind, .numbers = WEIR__ALWAYS,
     .about = "what it computes"},
    {"from", WEIR__TEXT, AT(from), .is_list = true, .numbers = WEIR__ALWAYS,
     .about = "the node that it reads, or several: \"one, two\"; not said: the one before"},
    {"gates", WEIR__TEXT, AT(gates), .group = WEIR__FIELD_GATES, .numbers = WEIR__ALWAYS,
     .about = "gated-affine: the unit node that gates it"},
    {"size", WEIR__SIZE, AT(size), &weir__size_from_1, .numbers = WEIR__ALWAYS, .about = "outputs per row"},
    {"block", WEIR__SIZE, AT(block), &weir__size_from_1, .group = WEIR__FIELD_GATES, .initial = "1",
     .numbers = WEIR__ALWAYS, .about = "gated-affine: hidden units per gate; not said: 1"},
    {"activation", WEIR__CHOICE, AT(activation), .choices = WEIR__ACTIVATIONS, .group = WEIR__FIELD_GATES,
     .initial = "linear", .numbers = WEIR__ALWAYS,
     .about = "gated-affine: not said: linear; glu, reglu, geglu, swiglu: f(a) u with two products per output"},
    {"rule", WEIR__TEXT, AT(rule), .expects = "NAME or NAME:parameter=value,...", .check = check_rule,
     .group = WEIR__FIELD_RULE, .numbers = WEIR__ALWAYS, .about = "unit: its rule; not said: the configuration's"},
    {"target", WEIR__NUMBER, AT(target), &weir__inside_one, .group = WEIR__FIELD_RULE, .numbers = WEIR__ALWAYS,
     .about = "unit: share of these gates to be open; not said: train.sparsity.target"},
    {"dropout", WEIR__NUMBER, AT(dropout), &weir__below_one, .group = WEIR__FIELD_DROPOUT, .numbers = WEIR__ALWAYS,
     .about = "dropout: probability of 0"},
    {"shift", WEIR__SIZE, AT(shift), &weir__size_from_1, .group = WEIR__FIELD_SHIFT, .numbers = WEIR__ALWAYS,
     .about = "shift: most pixels that a square image moves each way"},
    {"closed", WEIR__CHOICE, AT(closed), .choices = WEIR__CLOSED, .group = WEIR__FIELD_GATES, .initial = "all",
     .applies = WEIR__FACT_READS_CLOSED " or closed=default", .numbers = WEIR__ALWAYS,
     .about = "gated-affine: experts of closed gates that training evaluates; default: a running average stands for "
              "them, in use, too; not said: all"},
    {"closed_share", WEIR__NUMBER, AT(closed_share), &weir__up_to_one, .group = WEIR__FIELD_GATES,
     .applies = WEIR__FACT_READS_CLOSED " and closed=sample", .numbers = WEIR__ALWAYS,
     .about = "share of them with closed: sample, in the mean; the others have a running average of their block"},
    {"init", WEIR__NUMBER, AT(init), &weir__positive, .group = WEIR__FIELD_PARAMETERS, .initial = "1",
     .numbers = WEIR__ALWAYS, .about = "factor of the initial weights; not said: 1"},
    {"init_inputs", WEIR__SIZE, AT(init_inputs), &weir__size_from_0, .group = WEIR__FIELD_PARAMETERS,
     .numbers = WEIR__ALWAYS, .about = "non-zero inputs per unit at the start; 0: all"},
    {"bias", WEIR__NUMBER, AT(bias), &weir__any_number, .group = WEIR__FIELD_PARAMETERS, .numbers = WEIR__ALWAYS,
     .about = "initial bias"},
    {"rate", WEIR__NUMBER, AT(rate), &weir__positive, .group = WEIR__FIELD_PARAMETERS, .initial = "1",
     .numbers = WEIR__ALWAYS, .about = "factor of the learning rate; not said: 1"},
    {"max_norm", WEIR__NUMBER, AT(max_norm), &weir__not_negative, .group = WEIR__FIELD_PARAMETERS,
     .numbers = WEIR__ALWAYS, .about = "most that the norm of a unit's incoming weights may be; 0: unlimited"},
    {"vocabulary", WEIR__SIZE, AT(vocabulary), &weir__size_from_1, .group = WEIR__FIELD_VOCABULARY,
     .numbers = WEIR__ALWAYS, .about = "embedding: rows of its table; token numbers are below it"},
    {"dimension", WEIR__SIZE, AT(dimension), &weir__size_from_1, .group = WEIR__FIELD_VOCABULARY,
     .numbers = WEIR__ALWAYS, .about = "embedding: outputs per token"},
};

const weir__fields weir__node_fields = {fields, sizeof fields / sizeof *fields};

bool weir__rule_reads_closed(const weir_rule *rule) {
    const unsigned wanted = WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH, all = wanted | WEIR_TRAIT_SKIPS;
    return (rule->traits & all) == wanted;
}

unsigned weir__node_said(const weir_node *spec) {
    unsigned said = 0;
    for (size_t i = 0; i < weir__node_fields.count; i++) {
        if (weir__field_is_said(&fields[i], spec)) said |= fields[i].group;
    }
    return said;
}

const char *weir__node_field_names(unsigned bit, char *buffer, size_t size) {
    size_t left = 0, used = 0;
    for (size_t i = 0; i < weir__node_fields.count; i++) left += fields[i].group == bit;
    const size_t all = left;
    *buffer = 0;
    for (size_t i = 0; i < weir__node_fields.count && used < size; i++) {
        if (fields[i].group != bit) continue;
        const char *separator = left == all ? "" : left == 1 ? " or " : ", ";
        const int more = snprintf(buffer + used, size - used, "%s%s", separator, fields[i].path);
        if (more > 0) used += (size_t)more;
        left--;
    }
    return buffer;
}

weir_status weir__node_check(const weir_node *spec, weir_error *error) {
    for (size_t i = 0; i < weir__node_fields.count; i++) {
        // Texts with demands of their own are checked where they are used, which says more.
        if (fields[i].type == WEIR__TEXT || !weir__field_is_said(&fields[i], spec)) continue;
        const weir_status status = weir__field_check(&fields[i], spec, error);
        if (status != WEIR_OK) return weir__fail_in(error, WEIR_ARGUMENT, fields[i].path);
    }
    return WEIR_OK;
}

weir_status weir__node_copy(weir_node *to, const weir_node *from, unsigned taken, weir_error *error) {
    weir_node complete = *from;
    for (size_t i = 0; i < weir__node_fields.count; i++) {
        if (!fields[i].initial || !(fields[i].group & taken) || weir__field_is_said(&fields[i], from)) continue;
        weir__field_reset(&fields[i], &complete);
    }
    return weir__fields_copy(&weir__node_fields, to, &complete, error);
}
