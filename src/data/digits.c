// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The built-in digits: a glyph's points are jittered and joined by a curve (Catmull and Rom 1974), the curve is bent by
// a smooth random field (after Simard, Steinkraus and Platt, "Best practices for convolutional neural networks", ICDAR
// 2003), slanted, turned and stretched, fitted into about 20 x 20 pixels and centred by its mass as MNIST's digits are
// (LeCun et al. 1998), and drawn with a pen of random width, softness and ink.
//
// Every step is addition, multiplication, division or a square root, each rounded as IEEE 754 says and never
// contracted: an image is the same bits on every machine.

#include <float.h>
#include <math.h>
#include <string.h>

#include "../core/core.h"
#include "../core/parallel.h"
#include "glyphs.h"
#include "streams.h"
#include <weir/data.h>

enum { side = 28, pixels = side * side, steps = 6, most_spots = weir__glyph_points * steps, grid = 3 };

typedef struct vector {
    float x, y;
} vector;

/// A place on the pen's way, and whether the pen is down on the way to it.
typedef struct spot {
    vector at;
    float radius;
    bool down;
} spot;

typedef struct pen_path {
    spot spots[most_spots];
    size_t count;
} pen_path;

/// Numbers drawn one after the other from the row of noise that belongs to an image.
typedef struct source {
    weir_noise noise;
    uint32_t row, quad, used;
    uint32_t words[4];
} source;

static float uniform(source *s) {
    if (s->used == 4) {
        weir_random_words(s->words, s->noise, s->row, s->quad++);
        s->used = 0;
    }
    return ((float)(s->words[s->used++] >> 9) + 0.5F) * 0x1p-23F;
}

static float between(source *s, float low, float high) { return low + (high - low) * uniform(s); }

// A sum of three uniforms, mean 0 and standard deviation 1, never beyond 3: a bell without rare wild values.
static float bell(source *s) {
    float sum = uniform(s); // one draw per statement: C leaves the order inside an expression open
    sum += uniform(s);
    sum += uniform(s);
    return 2 * sum - 3;
}

static vector bell2(source *s, float scale) {
    const float x = bell(s), y = bell(s);
    return (vector){scale * x, scale * y};
}

static const weir__glyph *choose_glyph(source *s, int digit) {
    int total = 0;
    for (size_t i = 0; i < weir__glyph_count; i++) total += weir__glyphs[i].digit == digit ? weir__glyphs[i].weight : 0;
    int left = (int)(uniform(s) * (float)total);
    const weir__glyph *glyph = NULL;
    for (size_t i = 0; i < weir__glyph_count && left >= 0; i++) {
        if (weir__glyphs[i].digit != digit) continue;
        glyph = &weir__glyphs[i];
        left -= glyph->weight;
    }
    return glyph;
}

// The curve from b to c at t: Catmull and Rom's, which meets its points, or, as round goes to 1, the cubic B-spline,
// which rounds them off.
static float curve(float a, float b, float c, float d, float t, float round) {
    const float through = b + 0.5F * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a)));
    const float off = ((a + 4 * b + c) + t * (3 * (c - a) + t * (3 * (a - 2 * b + c) + t * (3 * (b - c) + d - a)))) / 6;
    return through + round * (off - through);
}

static void add_stroke(pen_path *path, const vector *points, size_t count, float round) {
    for (size_t i = 0; i + 1 < count; i++) {
        const vector b = points[i], c = points[i + 1];
        const vector a = i ? points[i - 1] : b, d = i + 2 < count ? points[i + 2] : c;
        for (int k = i ? 1 : 0; k <= steps; k++) {
            const float t = (float)k / steps;
            const vector at = {curve(a.x, b.x, c.x, d.x, t, round), curve(a.y, b.y, c.y, d.y, t, round)};
            if (path->count < most_spots) path->spots[path->count++] = (spot){.at = at, .down = i || k};
        }
    }
}

static bool same(weir__point a, weir__point b) { return a.x == b.x && a.y == b.y; }

static void write_glyph(pen_path *path, source *s, const weir__glyph *glyph) {
    vector points[weir__glyph_points];
    const float jitter = between(s, 0.015F, 0.05F), round = between(s, 0.3F, 1);
    vector drift = bell2(s, jitter);
    size_t count = 0;
    path->count = 0;
    for (size_t i = 0; i < weir__glyph_points && glyph->points[i].x; i++) {
        const weir__point point = glyph->points[i];
        if (point.x < 0) {
            add_stroke(path, points, count, round);
            count = 0;
            continue;
        }
        if (count && same(point, glyph->points[i - 1])) {
            points[count] = points[count - 1]; // a corner stays one
        } else {
            // Neighbours move together: a hand is late or wide for a while, it does not tremble.
            const vector push = bell2(s, jitter);
            drift = (vector){0.7F * drift.x + push.x, 0.7F * drift.y + push.y};
            points[count] = (vector){0.01F * point.x + drift.x, 0.01F * point.y + drift.y};
        }
        count++;
    }
    add_stroke(path, points, count, round);
}

// Weight of a cell's far corner: 3t² − 2t³, so that the field has no creases.
static float smooth(float t) { return t * t * (3 - 2 * t); }

static void bend(pen_path *path, source *s) {
    vector field[grid + 1][grid + 1];
    const float strength = between(s, 0.01F, 0.05F);
    for (size_t i = 0; i <= grid; i++) {
        for (size_t j = 0; j <= grid; j++) field[i][j] = bell2(s, strength);
    }
    for (size_t k = 0; k < path->count; k++) {
        vector *at = &path->spots[k].at;
        const float x = fminf(fmaxf(at->x, 0), 0.999F) * grid, y = fminf(fmaxf(at->y, 0), 0.999F) * grid;
        const int column = (int)x, row = (int)y;
        const float u = smooth(x - (float)column), v = smooth(y - (float)row);
        const vector *top = &field[row][column], *bottom = &field[row + 1][column];
        at->x += (1 - v) * ((1 - u) * top[0].x + u * top[1].x) + v * ((1 - u) * bottom[0].x + u * bottom[1].x);
        at->y += (1 - v) * ((1 - u) * top[0].y + u * top[1].y) + v * ((1 - u) * bottom[0].y + u * bottom[1].y);
    }
}

// Slant, stretch and turn. The turn's sine and cosine come from its half tangent, without trigonometry.
static void lean(pen_path *path, source *s) {
    const float slant = 0.16F + 0.22F * bell(s), half = 0.06F * bell(s), stretch = 0.95F + 0.16F * bell(s);
    const float c = (1 - half * half) / (1 + half * half), n = 2 * half / (1 + half * half);
    for (size_t k = 0; k < path->count; k++) {
        vector *at = &path->spots[k].at;
        const float x = stretch * (at->x - 0.5F) - slant * (at->y - 0.5F), y = at->y - 0.5F;
        *at = (vector){c * x - n * y, n * x + c * y};
    }
}

// Scales to pixels and moves the ink's mass (length of the curve) to the middle.
static void fit(pen_path *path, source *s) {
    vector low = {FLT_MAX, FLT_MAX}, high = {-FLT_MAX, -FLT_MAX}, middle = {0, 0};
    float mass = 0;
    for (size_t k = 0; k < path->count; k++) {
        const vector at = path->spots[k].at;
        low = (vector){fminf(low.x, at.x), fminf(low.y, at.y)};
        high = (vector){fmaxf(high.x, at.x), fmaxf(high.y, at.y)};
        if (!path->spots[k].down) continue;
        const vector from = path->spots[k - 1].at;
        const float dx = at.x - from.x, dy = at.y - from.y, length = sqrtf(dx * dx + dy * dy);
        middle.x += length * 0.5F * (at.x + from.x);
        middle.y += length * 0.5F * (at.y + from.y);
        mass += length;
    }
    const float extent = fmaxf(high.x - low.x, high.y - low.y);
    const float scale = (17 + 0.7F * bell(s)) / extent;
    const vector aside = bell2(s, 0.5F);
    const vector shift = {0.5F * side - scale * middle.x / mass + aside.x,
                          0.5F * side - scale * middle.y / mass + aside.y};
    for (size_t k = 0; k < path->count; k++) {
        vector *at = &path->spots[k].at;
        *at = (vector){scale * at->x + shift.x, scale * at->y + shift.y};
    }
}

// Half the pen's width along the way: a slow random walk around the pen's own.
static void press(pen_path *path, source *s) {
    const float pen = fmaxf(1.25F + 0.3F * bell(s), 0.6F);
    float pressure = 0;
    for (size_t k = 0; k < path->count; k++) {
        pressure = 0.9F * pressure + 0.035F * bell(s);
        path->spots[k].radius = pen * (1 + pressure);
    }
}

// How far a pixel's middle is outside the ink of a piece of the way (negative: inside).
static float outside(vector p, const spot *a, const spot *b) {
    const float dx = b->at.x - a->at.x, dy = b->at.y - a->at.y, px = p.x - a->at.x, py = p.y - a->at.y;
    const float square = dx * dx + dy * dy;
    const float t = square > 0 ? fminf(fmaxf((px * dx + py * dy) / square, 0), 1) : 0;
    const float ex = px - t * dx, ey = py - t * dy;
    return sqrtf(ex * ex + ey * ey) - (a->radius + t * (b->radius - a->radius));
}

static int clamp(float pixel) { return pixel < 0 ? 0 : pixel > side - 1 ? side - 1 : (int)pixel; }

static void measure(float distance[pixels], const pen_path *path, float reach) {
    for (size_t i = 0; i < pixels; i++) distance[i] = FLT_MAX;
    for (size_t k = 1; k < path->count; k++) {
        const spot *a = &path->spots[k - 1], *b = &path->spots[k];
        if (!b->down) continue;
        const float far = fmaxf(a->radius, b->radius) + reach;
        const int left = clamp(fminf(a->at.x, b->at.x) - far), right = clamp(fmaxf(a->at.x, b->at.x) + far);
        const int top = clamp(fminf(a->at.y, b->at.y) - far), bottom = clamp(fmaxf(a->at.y, b->at.y) + far);
        for (int y = top; y <= bottom; y++) {
            for (int x = left; x <= right; x++) {
                const float d = outside((vector){(float)x + 0.5F, (float)y + 0.5F}, a, b);
                float *nearest = &distance[y * side + x];
                if (d < *nearest) *nearest = d;
            }
        }
    }
}

static void ink(uint8_t *image, const pen_path *path, source *s) {
    float distance[pixels];
    const float softness = between(s, 0.55F, 1.0F), full = between(s, 225, 290), grain = between(s, 0, 16);
    measure(distance, path, softness);
    for (size_t i = 0; i < pixels; i++) {
        image[i] = 0;
        if (distance[i] >= softness) continue;
        const float cover = smooth(fminf((softness - distance[i]) / (2 * softness), 1));
        const float value = cover * (full + grain * (2 * uniform(s) - 1));
        image[i] = (uint8_t)fminf(value + 0.5F, 255);
    }
}

static void draw(uint8_t *image, int32_t *label, uint64_t seed, uint64_t index) {
    source s = {.noise = {.seed = seed, .step = (uint32_t)(index >> 32), .stream = weir__digits_stream},
                .row = (uint32_t)index,
                .used = 4};
    pen_path path;
    *label = (int32_t)(uniform(&s) * 10);
    write_glyph(&path, &s, choose_glyph(&s, *label));
    bend(&path, &s);
    lean(&path, &s);
    fit(&path, &s);
    press(&path, &s);
    ink(image, &path, &s);
}

typedef struct digits {
    uint8_t *images;
    int32_t *labels;
    uint64_t seed;
    size_t first;
} digits;

static void draw_range(const void *context, weir__range own) {
    const digits *d = context;
    for (size_t i = own.first; i < own.last; i++) {
        draw(d->images + i * pixels, d->labels + i, d->seed, d->first + i);
    }
}

weir_status weir_digits(uint8_t *images, int32_t *labels, uint64_t seed, size_t first, size_t count,
                        weir_error *error) {
    if (count && (!images || !labels)) return weir__fail(error, WEIR_ARGUMENT, "images and labels must not be NULL");
    if (count > SIZE_MAX - first)
        return weir__fail(error, WEIR_ARGUMENT, "digits beyond the last number are asked for");
    enum { WORK = 16384 }; // of a digit, in operations
    weir__parallel_ranges(count, WORK, draw_range, &(digits){images, labels, seed, first});
    return WEIR_OK;
}
