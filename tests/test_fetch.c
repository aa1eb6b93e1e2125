// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Downloads from a small HTTP server on loopback that can misbehave in the ways real ones do.

#define _XOPEN_SOURCE 700
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include <zlib.h>

#include "../cli/fetch/fetch.h"
#include "core/core.h"

enum { body_size = 300000, cut_after = 100000 };

// MD5 of the body that main() makes, found with md5sum.
static const char body_md5[] = "384d43b457e4391d851b65dec6507b1e";

static unsigned char body[body_size];

/// How the server behaves.
typedef enum manner {
    GOOD,
    CUTS,      ///< closes the connection after cut_after bytes of each answer
    NO_RANGES, ///< answers 200 with the whole file whatever was asked for
    CUTS_NO_RANGES,
    OTHER,   ///< sends a file of the same size with one byte changed
    SHORT,   ///< sends half of the file as if it were all
    ENDLESS, ///< sends more than the file, as long as anybody listens
    MISSING, ///< 404
    FAILS,   ///< 503
    EMPTY    ///< closes without an answer
} manner;

typedef struct server {
    pid_t process;
    char url[64];
    int log; ///< receives the start of the range of each request, as a long
} server;

static char folder[128];

static bool send_all(int to, const void *data, size_t size) {
    const char *at = data;
    while (size) {
        const ssize_t sent = send(to, at, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void answer(int to, manner how, long start) {
    char head[256];
    const bool ranges = how != NO_RANGES && how != CUTS_NO_RANGES && how != SHORT && how != ENDLESS;
    const long first = ranges ? start : 0;
    if (how == EMPTY) return;
    if (how == MISSING || how == FAILS) {
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops",
                 how == MISSING ? "404 Not Found" : "503 Service Unavailable");
        send_all(to, head, strlen(head));
        return;
    }
    if (first >= body_size) {
        snprintf(head, sizeof head, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
        send_all(to, head, strlen(head));
        return;
    }
    const long size = how == SHORT ? body_size / 2 : body_size;
    const long extra = how == ENDLESS ? 1000000000000 : 0;
    char range[80] = "";
    if (first) snprintf(range, sizeof range, "Content-Range: bytes %ld-%ld/%ld\r\n", first, size - 1, size);
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %ld\r\n%sConnection: close\r\n\r\n",
             first ? "206 Partial Content" : "200 OK", size - first + extra, range);
    send_all(to, head, strlen(head));
    long count = size - first;
    if ((how == CUTS || how == CUTS_NO_RANGES) && count > cut_after) count = cut_after;
    if (how == OTHER) body[body_size - 1] ^= 1;
    send_all(to, body + first, (size_t)count);
    if (how == OTHER) body[body_size - 1] ^= 1;
    while (extra && send_all(to, body, body_size)) {
    }
}

static void serve(int listener, manner how, int log) {
    for (;;) {
        const int to = accept(listener, NULL, NULL);
        if (to < 0) _exit(1);
        char request[4096] = "";
        size_t size = 0;
        while (size + 1 < sizeof request && !strstr(request, "\r\n\r\n")) {
            const ssize_t got = recv(to, request + size, sizeof request - 1 - size, 0);
            if (got <= 0) break;
            size += (size_t)got;
            request[size] = 0;
        }
        const char *range = strstr(request, "Range: bytes=");
        const long start = range ? strtol(range + 13, NULL, 10) : 0;
        if (write(log, &start, sizeof start) != (ssize_t)sizeof start) _exit(1);
        answer(to, how, start);
        shutdown(to, SHUT_WR);
        while (recv(to, request, sizeof request, 0) > 0) {
        }
        close(to);
    }
}

static server start_server(manner how) {
    server s = {0};
    int ends[2];
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pipe(ends), 0);
    s.process = fork();
    assert_true(s.process >= 0);
    if (!s.process) {
        close(ends[0]);
        alarm(60); // it must not outlive a test that failed
        serve(listener, how, ends[1]);
    }
    close(ends[1]);
    close(listener);
    s.log = ends[0];
    snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d/mirror", ntohs(address.sin_port));
    return s;
}

// Returns the number of requests, and the starts of the first `most` of them.
static size_t stop_server(server *s, long *starts, size_t most) {
    kill(s->process, SIGKILL);
    waitpid(s->process, NULL, 0);
    size_t count = 0;
    for (long start; read(s->log, &start, sizeof start) == (ssize_t)sizeof start; count++) {
        if (count < most) starts[count] = start;
    }
    close(s->log);
    return count;
}

static fetch_file known = {"data.gz", "http://example.invalid/some/where/data.gz", body_md5, body_size, 0};
static fetch_file unknown_size = {"data.gz", "http://example.invalid/data.gz", body_md5, 0, 0};
static const fetch_source known_source = {"test", "for tests", &known, 1, NULL};
static const fetch_source unknown_source = {"test", "for tests", &unknown_size, 1, NULL};

static const char *path_of(const char *name) {
    static char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t size) {
    assert_int_equal(weir_folder_make(folder, NULL), WEIR_OK);
    FILE *stream = fopen(path_of(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    fclose(stream);
}

static long size_of(const char *name) {
    struct stat about;
    return stat(path_of(name), &about) ? -1 : (long)about.st_size;
}

static void assert_complete(void) {
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(weir__file_read(path_of("data.gz"), body_size, &text, &size, NULL), WEIR_OK);
    assert_int_equal(size, body_size);
    assert_memory_equal(text, body, body_size);
    weir__free(text);
    assert_int_equal(size_of("data.gz.part"), -1);
}

/// What the progress callback saw.
typedef struct seen {
    uint64_t last, total, stop_at;
    int calls;
    bool backwards;
} seen;

static int watch(void *context, const char *file, uint64_t done, uint64_t total) {
    seen *s = context;
    assert_string_equal(file, "data.gz");
    s->backwards |= done < s->last;
    s->last = done;
    s->total = total;
    s->calls++;
    return s->stop_at && done >= s->stop_at;
}

static int fresh_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-fetch-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state) {
    (void)state;
    unlink(path_of("data.gz"));
    unlink(path_of("data.gz.part"));
    return rmdir(folder);
}

static void downloads_and_keeps(void **state) {
    (void)state;
    weir_error error = {0};
    seen s = {0};
    long starts[1];
    server good = start_server(GOOD);
    assert_int_equal(fetch_download(&known_source, folder, good.url, watch, &s, &error), WEIR_OK);
    assert_complete();
    assert_true(s.calls > 1);
    assert_int_equal(s.last, body_size);
    assert_int_equal(s.total, body_size);
    assert_false(s.backwards);
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, &error), WEIR_OK);
    assert_int_equal(stop_server(&good, starts, 1), 1);
}

static void damaged_file_is_replaced(void **state) {
    (void)state;
    server good = start_server(GOOD);
    char url[80];
    snprintf(url, sizeof url, "%s/", good.url);
    write_file("data.gz", body, body_size - 1);
    assert_int_equal(fetch_download(&unknown_source, folder, url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    stop_server(&good, NULL, 0);
}

static void resumes_what_an_earlier_call_left(void **state) {
    (void)state;
    long starts[2];
    server good = start_server(GOOD);
    write_file("data.gz.part", body, 12345);
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    assert_int_equal(stop_server(&good, starts, 2), 1);
    assert_int_equal(starts[0], 12345);
}

static void broken_connections_are_continued(void **state) {
    (void)state;
    const fetch_source *const sources[] = {&known_source, &unknown_source};
    for (size_t i = 0; i < 2; i++) {
        weir_error error = {0};
        long starts[4] = {-1, -1, -1, -1};
        seen s = {0};
        server cuts = start_server(CUTS);
        assert_int_equal(fetch_download(sources[i], folder, cuts.url, watch, &s, &error), WEIR_OK);
        assert_complete();
        assert_false(s.backwards);
        assert_int_equal(s.total, body_size);
        assert_int_equal(stop_server(&cuts, starts, 4), 3);
        assert_int_equal(starts[0], 0);
        assert_int_equal(starts[1], cut_after);
        assert_int_equal(starts[2], 2 * cut_after);
        unlink(path_of("data.gz"));
    }
}

static void server_without_ranges(void **state) {
    (void)state;
    server plain = start_server(NO_RANGES);
    write_file("data.gz.part", body, 12345);
    assert_int_equal(fetch_download(&known_source, folder, plain.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    stop_server(&plain, NULL, 0);
    unlink(path_of("data.gz"));

    // One that never gets through to the end must not be tried for ever.
    weir_error error = {0};
    server cuts = start_server(CUTS_NO_RANGES);
    assert_int_not_equal(fetch_download(&known_source, folder, cuts.url, NULL, NULL, &error), WEIR_OK);
    assert_true(stop_server(&cuts, NULL, 0) < 10);
    assert_int_equal(size_of("data.gz"), -1);
}

static void complete_part_needs_no_download(void **state) {
    (void)state;
    server good = start_server(GOOD);
    write_file("data.gz.part", body, body_size);
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    unlink(path_of("data.gz"));
    // With a size that nobody published, the server says that nothing is left.
    write_file("data.gz.part", body, body_size);
    assert_int_equal(fetch_download(&unknown_source, folder, good.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    assert_int_equal(stop_server(&good, NULL, 0), 1);
}

static void wrong_part_is_begun_anew(void **state) {
    (void)state;
    server good = start_server(GOOD);
    write_file("data.gz.part", "something else", 14);
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    unlink(path_of("data.gz"));
    assert_int_equal(stop_server(&good, NULL, 0), 2);
}

static void wrong_checksum_leaves_nothing(void **state) {
    (void)state;
    const manner manners[] = {OTHER, SHORT};
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        weir_error error = {0};
        server bad = start_server(manners[i]);
        assert_int_equal(fetch_download(&known_source, folder, bad.url, NULL, NULL, &error), WEIR_DATA);
        assert_non_null(strstr(error.text, "data.gz"));
        assert_non_null(strstr(error.text, body_md5));
        assert_int_equal(size_of("data.gz"), -1);
        assert_int_equal(size_of("data.gz.part"), -1);
        assert_true(stop_server(&bad, NULL, 0) < 8);
    }
}

// The published bytes are taken, and no more of what comes behind them.
static void endless_answer_is_cut(void **state) {
    (void)state;
    server endless = start_server(ENDLESS);
    assert_int_equal(fetch_download(&known_source, folder, endless.url, NULL, NULL, NULL), WEIR_OK);
    assert_complete();
    assert_int_equal(stop_server(&endless, NULL, 0), 1);
}

static void refusals_are_told(void **state) {
    (void)state;
    weir_error error = {0};
    server bad = start_server(MISSING);
    assert_int_equal(fetch_download(&known_source, folder, bad.url, NULL, NULL, &error), WEIR_NOT_FOUND);
    assert_non_null(strstr(error.text, "404"));
    assert_non_null(strstr(error.text, bad.url));
    assert_int_equal(stop_server(&bad, NULL, 0), 1);
    assert_int_equal(fetch_download(&known_source, folder, bad.url, NULL, NULL, &error), WEIR_IO); // nobody listens

    bad = start_server(FAILS);
    assert_int_equal(fetch_download(&known_source, folder, bad.url, NULL, NULL, &error), WEIR_IO);
    assert_non_null(strstr(error.text, "503"));
    stop_server(&bad, NULL, 0);

    bad = start_server(EMPTY);
    assert_int_equal(fetch_download(&known_source, folder, bad.url, NULL, NULL, &error), WEIR_IO);
    assert_true(stop_server(&bad, NULL, 0) < 8);
    assert_int_equal(size_of("data.gz"), -1);
    assert_int_equal(fetch_download(&known_source, folder, "file:///etc", NULL, NULL, &error), WEIR_IO);
}

static void interruption_keeps_the_part(void **state) {
    (void)state;
    weir_error error = {0};
    seen s = {.stop_at = 1};
    server cuts = start_server(CUTS);
    assert_int_equal(fetch_download(&known_source, folder, cuts.url, watch, &s, &error), WEIR_INTERRUPTED);
    const long kept = size_of("data.gz.part");
    assert_true(kept > 0 && kept < body_size);
    assert_int_equal(size_of("data.gz"), -1);
    stop_server(&cuts, NULL, 0);

    long starts[1] = {-1};
    server good = start_server(GOOD);
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, &error), WEIR_OK);
    assert_complete();
    stop_server(&good, starts, 1);
    assert_int_equal(starts[0], kept);
}

static void folder_is_made_or_told(void **state) {
    (void)state;
    weir_error error = {0};
    server good = start_server(GOOD);
    const size_t length = strlen(folder);
    strcpy(folder + length, "/a");
    assert_int_equal(fetch_download(&known_source, folder, good.url, NULL, NULL, &error), WEIR_OK);
    assert_complete();
    unlink(path_of("data.gz"));
    rmdir(folder);
    folder[length] = 0;
    assert_int_equal(fetch_download(&known_source, "/dev/null/x", good.url, NULL, NULL, &error), WEIR_IO);
    assert_int_equal(stop_server(&good, NULL, 0), 1);
}

// ---- archives -------------------------------------------------------------------------------------------------------

enum { words_size = 100000 };
static const char words_md5[] = "fbf0fb1d1df0628a1e7809bf0f5c1dfc"; // of words_at(0 …), found with Python

static unsigned char words_at(size_t i) { return (unsigned char)((i * i >> 5) & 63); }

static unsigned char *put(unsigned char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

/// A member of an archive that is being written.
typedef struct member {
    const char *name;
    unsigned method;
    uint32_t checksum, packed, size, place;
} member;

static unsigned char *put_member(unsigned char *at, member *m, const unsigned char *data) {
    m->place = (uint32_t)(at - body);
    at = put(at, 0x04034b50, 4);
    at = put(put(put(put(at, 20, 2), 0, 2), m->method, 2), 0, 4);
    at = put(put(put(at, m->checksum, 4), m->packed, 4), m->size, 4);
    at = put(put(at, strlen(m->name), 2), 0, 2);
    memcpy(at, m->name, strlen(m->name));
    memcpy(at + strlen(m->name), data, m->packed);
    return at + strlen(m->name) + m->packed;
}

static unsigned char *put_entry(unsigned char *at, const member *m) {
    at = put(put(put(put(at, 0x02014b50, 4), 20, 2), 20, 2), 0, 2);
    at = put(put(at, m->method, 2), 0, 4);
    at = put(put(put(at, m->checksum, 4), m->packed, 4), m->size, 4);
    at = put(put(at, strlen(m->name), 2), 0, 2);
    at = put(put(put(at, 0, 2), 0, 2), 0, 2);
    at = put(put(at, 0, 4), m->place, 4);
    memcpy(at, m->name, strlen(m->name));
    return at + strlen(m->name);
}

/// Makes the body an archive of "words", stored or deflated, and of "rest", which fills it up.
static void pack_body(bool deflated) {
    static unsigned char words[words_size], packed[2 * words_size], rest[body_size];
    z_stream stream = {0};
    for (size_t i = 0; i < words_size; i++) words[i] = words_at(i);
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = words;
    stream.avail_in = words_size;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    member first = {"words", deflated ? 8 : 0, (uint32_t)crc32(0, words, words_size), words_size, words_size, 0};
    if (deflated) first.packed = (uint32_t)stream.total_out;
    deflateEnd(&stream);
    member second = {"rest", 0, 0, body_size - first.packed - 2 * (30 + 46) - 2 * (5 + 4) - 22, 0, 0};
    second.size = second.packed;
    second.checksum = (uint32_t)crc32(0, rest, second.packed);
    unsigned char *at = put_member(body, &second, rest);
    at = put_member(at, &first, deflated ? packed : words);
    const uint32_t directory = (uint32_t)(at - body);
    at = put_entry(put_entry(at, &second), &first);
    const uint32_t size = (uint32_t)(at - body) - directory;
    at = put(put(put(put(at, 0x06054b50, 4), 0, 4), 2, 2), 2, 2);
    at = put(put(put(at, size, 4), directory, 4), 0, 2);
    assert_int_equal(at - body, body_size);
}

static void fill_body(void) {
    for (size_t i = 0; i < body_size; i++) body[i] = (unsigned char)((i * 2654435761U) >> 13);
}

static void assert_words(void) {
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(weir__file_read(path_of("words"), words_size, &text, &size, NULL), WEIR_OK);
    assert_int_equal(size, words_size);
    for (size_t i = 0; i < size; i++) assert_int_equal((unsigned char)text[i], words_at(i));
    weir__free(text);
    assert_int_equal(size_of("words.part"), -1);
    assert_int_equal(size_of("words.zip"), -1);
    assert_int_equal(size_of("words.zip.part"), -1);
    unlink(path_of("words"));
}

// A text out of a zip archive: continued where the connection broke, unpacked, checked, and nothing else is left.
static void members_of_archives(void **state) {
    (void)state;
    const fetch_file words = {"words", "http://example.invalid/dc/words.zip", words_md5, words_size, body_size};
    const fetch_source source = {"test", "for tests", &words, 1, "text"};
    for (int deflated = 0; deflated < 2; deflated++) {
        weir_error error = {0};
        long starts[4];
        pack_body(deflated);
        server cuts = start_server(CUTS);
        if (fetch_download(&source, folder, cuts.url, NULL, NULL, &error) != WEIR_OK) fail_msg("%s", error.text);
        assert_int_equal(fetch_download(&source, folder, cuts.url, NULL, NULL, &error), WEIR_OK); // it is there
        assert_int_equal(stop_server(&cuts, starts, 4), 3);
        assert_words();
    }
    fill_body();
}

// An archive that holds something else, or is none, is named with the checksum that it lacks, and thrown away.
static void wrong_archives_leave_nothing(void **state) {
    (void)state;
    const fetch_file wrong[] = {
        {"words", "http://example.invalid/words.zip", body_md5, words_size, body_size},      // another checksum
        {"words", "http://example.invalid/words.zip", words_md5, words_size - 1, body_size}, // larger than it should be
        {"novel", "http://example.invalid/words.zip", words_md5, words_size, body_size},     // not in there
    };
    for (size_t k = 0; k < 5; k++) {
        const fetch_source source = {"test", "for tests", &wrong[k < 3 ? k : 1], 1, "text"};
        weir_error error = {0};
        pack_body(true);
        if (k == 3) memset(body + body_size - 22, 0, 22);      // no end record
        if (k == 4) body[body_size - 22 - 60] ^= 0x55;         // a damaged directory
        server good = start_server(GOOD);
        assert_int_equal(fetch_download(&source, folder, good.url, NULL, NULL, &error), WEIR_DATA);
        assert_non_null(strstr(error.text, source.files->md5));
        assert_non_null(strstr(error.text, source.files->name));
        assert_int_equal(size_of("words"), -1);
        assert_int_equal(size_of("words.part"), -1);
        assert_int_equal(size_of("words.zip"), -1);
        assert_int_equal(size_of("novel.zip"), -1);
        stop_server(&good, NULL, 0);
    }
    fill_body();
}

static void sources_are_sound(void **state) {
    (void)state;
    assert_int_equal(fetch_source_count(), 5);
    assert_null(fetch_source_at(fetch_source_count()));
    for (size_t i = 0; i < fetch_source_count(); i++) {
        const fetch_source *source = fetch_source_at(i);
        assert_int_equal(source->file_count, source->next != NULL ? 1 : 4);
        for (size_t f = 0; f < source->file_count; f++) {
            const fetch_file *file = &source->files[f];
            assert_int_equal(strlen(file->md5), 32);
            for (const char *c = file->md5; *c; c++)
                assert_true(isxdigit((unsigned char)*c) && !isupper((unsigned char)*c));
            char name[64];
            snprintf(name, sizeof name, "%s%s", file->name, file->archive_bytes > 0 ? ".zip" : "");
            assert_string_equal(strrchr(file->url, '/') + 1, name);
            assert_true(file->bytes > 1000);
        }
    }
}

// A published source takes each file's own name from the base address; the test's body is not MNIST, which it notices.
static void published_source_uses_the_mirror(void **state) {
    (void)state;
    weir_error error = {0};
    server good = start_server(GOOD);
    assert_int_equal(fetch_download(fetch_source_at(0), folder, good.url, NULL, NULL, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, good.url));
    assert_non_null(strstr(error.text, "/mirror/train-images-idx3-ubyte.gz"));
    stop_server(&good, NULL, 0);
}

int main(void) {
    fill_body();
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fresh_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(downloads_and_keeps),
        IN_FOLDER(damaged_file_is_replaced),
        IN_FOLDER(resumes_what_an_earlier_call_left),
        IN_FOLDER(broken_connections_are_continued),
        IN_FOLDER(server_without_ranges),
        IN_FOLDER(complete_part_needs_no_download),
        IN_FOLDER(wrong_part_is_begun_anew),
        IN_FOLDER(wrong_checksum_leaves_nothing),
        IN_FOLDER(endless_answer_is_cut),
        IN_FOLDER(refusals_are_told),
        IN_FOLDER(interruption_keeps_the_part),
        IN_FOLDER(folder_is_made_or_told),
        IN_FOLDER(members_of_archives),
        IN_FOLDER(wrong_archives_leave_nothing),
        IN_FOLDER(sources_are_sound),
        IN_FOLDER(published_source_uses_the_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
