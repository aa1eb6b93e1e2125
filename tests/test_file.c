// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Whole-file replacement under failure, bounded reading, folders, and the nearest name.

#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "core/core.h"
#include "core/lock.h"

static char folder[] = "/tmp/weir-file-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static size_t files_in_folder(void) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void write_plainly(const char *path, const char *text) {
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

static void assert_holds(const char *path, const char *expected) {
    char *text = NULL;
    size_t size = 0;
    weir_error error = {0};
    assert_int_equal(weir__file_read(path, 1 << 20, &text, &size, &error), WEIR_OK);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    weir__free(text);
}

static void commit_replaces(void **state) {
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder("model"));
    weir_error error = {0};
    weir__file file;
    write_plainly(path, "former");
    assert_int_equal(weir__file_begin(&file, path, &error), WEIR_OK);
    assert_true(fputs("the new one", file.stream) >= 0);
    fflush(file.stream);
    assert_holds(path, "former");
    assert_int_equal(weir__file_commit(&file, &error), WEIR_OK);
    assert_holds(path, "the new one");
    assert_int_equal(files_in_folder(), 1);
    weir__file_abandon(&file);
    assert_holds(path, "the new one");

    const mode_t mask = umask(0);
    umask(mask);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0666 & ~mask);
    unlink(path);
}

static void abandon_leaves_nothing(void **state) {
    (void)state;
    weir__file file = {0};
    weir__file_abandon(&file);
    assert_int_equal(weir__file_begin(&file, in_folder("model"), NULL), WEIR_OK);
    assert_int_equal(files_in_folder(), 1);
    weir__file_abandon(&file);
    assert_int_equal(files_in_folder(), 0);
    weir__file_abandon(&file);
}

static void two_writers_of_one_name_do_not_meet(void **state) {
    (void)state;
    weir__file one, two;
    assert_int_equal(weir__file_begin(&one, in_folder("model"), NULL), WEIR_OK);
    assert_int_equal(weir__file_begin(&two, in_folder("model"), NULL), WEIR_OK);
    fputs("one", one.stream);
    fputs("two", two.stream);
    assert_int_equal(weir__file_commit(&one, NULL), WEIR_OK);
    assert_holds(in_folder("model"), "one");
    assert_int_equal(weir__file_commit(&two, NULL), WEIR_OK);
    assert_holds(in_folder("model"), "two");
    assert_int_equal(files_in_folder(), 1);
    unlink(in_folder("model"));
}

// A limit on the size of files is what a full disk looks like to the writer: a short write with an error.
/// A process that has ended.
static pid_t ended_process(void) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void leftovers_of_killed_writers_are_removed(void **state) {
    (void)state;
    const long gone = (long)ended_process(), here = (long)getpid();
    const struct {
        const char *before, *after;
        long process;
        bool goes;
    } cases[] = {
        {"a.safetensors.", "-0.tmp", gone, true},
        {"a.b.7.", "-17.tmp", gone, true},
        {"a.", "-0.tmp", here, false},
        {"b.", ".tmp", gone, false},
        {"c.", "-0.tmp.csv", gone, false},
        {"d.", "-x.tmp", gone, false},
        {"e-", "-0.tmp", gone, false},
        {"f.-", "-0.tmp", gone, false},
        {"g.", "-0.tmp9", gone, false},
    };
    char path[sizeof cases / sizeof *cases][256];
    const size_t count = sizeof path / sizeof *path;
    for (size_t k = 0; k < count; k++) {
        snprintf(path[k], sizeof path[k], "%s/%s%ld%s", folder, cases[k].before, cases[k].process, cases[k].after);
        write_plainly(path[k], "x");
    }
    weir__lock lock = {0};
    assert_int_equal(weir__lock_take(&lock, folder, NULL), WEIR_OK);
    weir__lock_release(&lock);
    for (size_t k = 0; k < count; k++) {
        if ((access(path[k], F_OK) != 0) != cases[k].goes) fail_msg("%s", path[k]);
        unlink(path[k]);
    }
    weir__file_sweep("no such folder");
}

static void full_disk_keeps_the_former(void **state) {
    (void)state;
    write_plainly(in_folder("model"), "former");
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction usual;
    struct rlimit limit;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &usual), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = limit;
    small.rlim_cur = 10000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

    weir_error error = {0};
    weir__file file;
    weir_status status = weir__file_begin(&file, in_folder("model"), &error);
    const weir_status begun = status;
    if (status == WEIR_OK) {
        for (int i = 0; i < 20000; i++) weir__file_put("x", 1, &file);
        status = weir__file_commit(&file, &error);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(sigaction(SIGXFSZ, &usual, NULL), 0);

    assert_int_equal(begun, WEIR_OK);
    assert_int_equal(status, WEIR_IO);
    assert_non_null(strstr(error.text, "model"));
    assert_non_null(strstr(error.text, "unchanged"));
    assert_non_null(strstr(error.text, strerror(EFBIG)));
    assert_non_null(strstr(error.text, "20000 bytes are needed"));
    assert_holds(in_folder("model"), "former");
    assert_int_equal(files_in_folder(), 1);
    unlink(in_folder("model"));
}

// A write that failed in the middle counts, even when the disk has room again at the end.
static void earlier_failure_is_remembered(void **state) {
    (void)state;
    write_plainly(in_folder("model"), "former");
    weir__file file;
    assert_int_equal(weir__file_begin(&file, in_folder("model"), NULL), WEIR_OK);
    setvbuf(file.stream, NULL, _IONBF, 0);
    const int descriptor = fileno(file.stream), kept = dup(descriptor), full = open("/dev/full", O_WRONLY);
    assert_true(kept >= 0 && full >= 0);
    assert_int_equal(dup2(full, descriptor), descriptor);
    assert_int_equal(fputc('x', file.stream), EOF);
    assert_int_equal(dup2(kept, descriptor), descriptor);
    assert_int_equal(fputc('y', file.stream), 'y');
    close(full);
    close(kept);
    assert_int_equal(weir__file_commit(&file, NULL), WEIR_IO);
    assert_holds(in_folder("model"), "former");
    assert_int_equal(files_in_folder(), 1);
    unlink(in_folder("model"));
}

static void unwritable_folder(void **state) {
    (void)state;
    char path[256];
    weir_error error = {0};
    weir__file file;
    snprintf(path, sizeof path, "%s/model", in_folder("missing"));
    assert_int_equal(weir__file_begin(&file, path, &error), WEIR_NOT_FOUND);
    assert_non_null(strstr(error.text, "missing/model"));
    assert_null(file.temporary);

    assert_int_equal(weir__file_begin(&file, "/proc/weir-model", &error), WEIR_NOT_FOUND);
    assert_int_equal(weir__file_begin(&file, folder, &error), WEIR_IO);
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_int_equal(weir__file_begin(&file, "/dev/full", &error), WEIR_IO);
    weir__file_abandon(&file);

    // The folder disappears between begin and commit: the rename fails.
    assert_int_equal(weir_folder_make(in_folder("gone"), NULL), WEIR_OK);
    snprintf(path, sizeof path, "%s/model", in_folder("gone"));
    assert_int_equal(weir__file_begin(&file, path, &error), WEIR_OK);
    assert_int_equal(unlink(file.temporary), 0);
    assert_int_equal(rmdir(in_folder("gone")), 0);
    assert_int_equal(weir__file_commit(&file, &error), WEIR_IO);

    if (geteuid() == 0) return; // root may write anywhere
    assert_int_equal(mkdir(in_folder("locked"), 0500), 0);
    snprintf(path, sizeof path, "%s/model", in_folder("locked"));
    assert_int_equal(weir__file_begin(&file, path, &error), WEIR_IO);
    assert_int_equal(rmdir(in_folder("locked")), 0);
}

static void reading_is_bounded(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    weir_error error = {0};
    const char *path = in_folder("text");
    write_plainly(path, "0123456789");
    assert_int_equal(weir__file_read(path, 10, &text, &size, &error), WEIR_OK);
    assert_int_equal(size, 10);
    assert_string_equal(text, "0123456789");
    weir__free(text);
    assert_int_equal(weir__file_read(path, 9, &text, &size, &error), WEIR_FORMAT);
    assert_null(text);
    write_plainly(path, "");
    assert_int_equal(weir__file_read(path, 0, &text, &size, &error), WEIR_OK);
    assert_int_equal(size, 0);
    assert_string_equal(text, "");
    weir__free(text);
    unlink(path);
    assert_int_equal(weir__file_read(path, 9, &text, &size, &error), WEIR_NOT_FOUND);
    assert_int_equal(weir__file_read(folder, 9, &text, &size, &error), WEIR_IO);
    // Endless, and with no size that one could ask for.
    assert_int_equal(weir__file_read("/dev/zero", 1 << 20, &text, &size, &error), WEIR_FORMAT);
}

static void large_file_is_read_whole(void **state) {
    (void)state;
    enum { large = 100000 };
    FILE *stream = fopen(in_folder("large"), "wb");
    assert_non_null(stream);
    for (int i = 0; i < large; i++) fputc(i % 251, stream);
    fclose(stream);
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(weir__file_read(in_folder("large"), large, &text, &size, NULL), WEIR_OK);
    assert_int_equal(size, large);
    for (int i = 0; i < large; i++) assert_int_equal((unsigned char)text[i], i % 251);
    weir__free(text);
    unlink(in_folder("large"));
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    write_plainly(in_folder("text"), "former");
    int failures = 0;
    for (long allowed = 0; allowed < 20; allowed++) {
        weir__alloc_fail_after(allowed);
        char *text = NULL;
        size_t size = 0;
        weir__file file;
        weir_status status = weir__file_read(in_folder("text"), 100, &text, &size, NULL);
        weir__free(text);
        if (status == WEIR_OK) status = weir__file_begin(&file, in_folder("text"), NULL);
        if (status == WEIR_OK) weir__file_abandon(&file);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) break;
        assert_int_equal(status, WEIR_MEMORY);
        failures++;
    }
    assert_in_range(failures, 2, 19);
    assert_int_equal(files_in_folder(), 1);
    unlink(in_folder("text"));
}

static void folders_are_made(void **state) {
    (void)state;
    weir_error error = {0};
    char deep[256];
    snprintf(deep, sizeof deep, "%s/b//c/", in_folder("a"));
    assert_int_equal(weir_folder_make(deep, &error), WEIR_OK);
    assert_int_equal(weir_folder_make(deep, &error), WEIR_OK);
    struct stat about;
    assert_int_equal(stat(deep, &about), 0);
    assert_true(S_ISDIR(about.st_mode));
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(in_folder("a/b")), 0);
    assert_int_equal(rmdir(in_folder("a")), 0);

    write_plainly(in_folder("a"), "");
    assert_int_equal(weir_folder_make(deep, &error), WEIR_IO);
    assert_non_null(strstr(error.text, "is a file"));
    unlink(in_folder("a"));
    assert_int_equal(weir_folder_make("", &error), WEIR_ARGUMENT);
    assert_int_equal(weir_folder_make("/", &error), WEIR_OK);
    assert_int_equal(weir_folder_make("/proc/weir", &error), WEIR_IO);
}

static void write_bytes(const char *name, const char *bytes, size_t size) {
    weir_error error = {0};
    if (weir_file_write(in_folder(name), bytes, size, &error) != WEIR_OK) fail_msg("%s", error.text);
}

// A line that does not fit is taken back, so that a file of lines has whole ones.
static void append_is_all_or_nothing(void **state) {
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder("lines"));
    weir_error error = {0};
    assert_int_equal(weir__file_append(path, "one\n", 4, &error), WEIR_OK);
    assert_int_equal(weir__file_append(path, "two\n", 4, &error), WEIR_OK);
    assert_holds(path, "one\ntwo\n");
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction usual;
    struct rlimit limit;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &usual), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = limit;
    small.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const weir_status status = weir__file_append(path, "three\n", 6, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(sigaction(SIGXFSZ, &usual, NULL), 0);
    assert_int_equal(status, WEIR_IO);
    assert_non_null(strstr(error.text, strerror(EFBIG)));
    assert_non_null(strstr(error.text, "6 bytes are needed"));
    assert_holds(path, "one\ntwo\n");
    unlink(path);
    assert_int_equal(weir__file_append("/dev/full", "x", 1, &error), WEIR_IO);
    assert_non_null(strstr(error.text, strerror(ENOSPC)));
}

static void contents_are_recognised(void **state) {
    (void)state;
    static const struct {
        weir_content content;
        const char *bytes;
        size_t size;
    } cases[] = {
#define CASE(content, text) {WEIR_CONTENT_##content, text, sizeof text - 1}
        CASE(EMPTY, ""),
        CASE(NPY, "\x93NUMPY\x01"),
        CASE(IDX, "\0\0\x08\x03\0\0\0\x01"),
        CASE(SAFETENSORS, "\x02\0\0\0\0\0\0\0{}"),
        CASE(GZIP, "\x1f\x8b\x08"),
        CASE(ZIP, "PK\x03\x04"),
        CASE(PICKLE, "\x80\x04\x95"),
        CASE(PICTURE, "\x89PNG\r\n"),
        CASE(PICTURE, "\xff\xd8\xff\xe0"),
        CASE(PICTURE, "<svg xmlns='x'>"),
        CASE(HDF5, "\x89HDF\r\n"),
        CASE(CSV, "1,2,3\n4,5,6\n"),
        CASE(CSV, "1;2\n"),
        CASE(CSV, "# written by hand\n1\t2\n"),
        CASE(CSV, "-1.5\n2e3\n"),
        CASE(CSV, "length,width\n"),
        CASE(YAML, "name: mine\n"),
        CASE(YAML, "about: small, for tests\n"),
        CASE(YAML, "# nothing but a remark\n"),
        CASE(YAML, "network:\n- kind: input\n"),
        CASE(YAML, "- {kind: input}\n"),
        CASE(JSON, "{\"epoch\":1}\n"),
        CASE(TEXT, "hello world\n"),
        CASE(TEXT, "\n\n"),
        CASE(BINARY, "\x90\x0e\0\0\x01"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_content content = WEIR_CONTENT_COUNT;
        write_bytes("what", cases[i].bytes, cases[i].size);
        assert_int_equal(weir_content_find(&content, in_folder("what"), NULL), WEIR_OK);
        if (content != cases[i].content)
            fail_msg("\"%s\" is taken for %s, not %s", cases[i].bytes, weir_content_text(content),
                     weir_content_text(cases[i].content));
    }
    unlink(in_folder("what"));

    weir_content content = WEIR_CONTENT_COUNT;
    weir_error error = {0};
    char path[256];
    assert_int_equal(weir_content_find(&content, in_folder("nothing"), &error), WEIR_NOT_FOUND);
    assert_int_equal(content, WEIR_CONTENT_COUNT);
    assert_int_equal(weir_content_find(&content, "/dev/null", &error), WEIR_OK);
    assert_int_equal(content, WEIR_CONTENT_DEVICE);
    assert_int_equal(weir_folder_make(in_folder("run"), &error), WEIR_OK);
    assert_int_equal(weir_content_find(&content, in_folder("run"), &error), WEIR_OK);
    assert_int_equal(content, WEIR_CONTENT_FOLDER);
    write_bytes("run/config.yaml", "", 0);
    assert_int_equal(weir_content_find(&content, in_folder("run"), &error), WEIR_OK);
    assert_int_equal(content, WEIR_CONTENT_RUN);
    snprintf(path, sizeof path, "%s", in_folder("run"));
    assert_int_equal(weir_content_expect(NULL, path, WEIR_CONTENT_SET(CSV) | WEIR_CONTENT_SET(NPY), "rows", &error),
                     WEIR_IO);
    assert_non_null(strstr(error.text, "run: is a run directory, but rows is expected"));
    assert_int_equal(weir_content_expect(&content, path, WEIR_CONTENT_SET(RUN), "", &error), WEIR_OK);
    unlink(in_folder("run/config.yaml"));
    rmdir(in_folder("run"));
    assert_string_equal(weir_content_text(WEIR_CONTENT_COUNT), "unknown");
}

static void nearest_name(void **state) {
    (void)state;
    const char *const names[] = {"straight-through", "sts", "reinforce", "noisy-rectifier", "adam", "sgd"};
    const size_t count = sizeof names / sizeof *names;
    assert_string_equal(weir__nearest("straigth-through", names, count), "straight-through");
    assert_string_equal(weir__nearest("StraightThrough", names, count), "straight-through");
    assert_string_equal(weir__nearest("reinforced", names, count), "reinforce");
    assert_string_equal(weir__nearest("adm", names, count), "adam");
    assert_string_equal(weir__nearest("sdg", names, count), "sgd");
    assert_string_equal(weir__nearest("sts", names, count), "sts");
    assert_null(weir__nearest("momentum", names, count));
    assert_null(weir__nearest("", names, count));
    assert_null(weir__nearest("x", names, count));
    assert_null(weir__nearest("adam", names, 0));
    const char *const letter[] = {"y"};
    assert_null(weir__nearest("x", letter, 1));
    char endless[300];
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = 0;
    const char *const one[] = {endless};
    assert_null(weir__nearest(endless, names, count));
    assert_null(weir__nearest("adam", one, 1));
}

static void hints(void **state) {
    (void)state;
    const char *const names[] = {"adam", "a-name-of-sixty-three-letters-which-is-the-longest-one-there-is"};
    assert_string_equal(weir_suggest("adm", names, 2).text, "; did you mean 'adam'?");
    assert_string_equal(weir_suggest("momentum", names, 2).text, "");
    const weir_hint longest = weir_suggest(names[1], names, 2);
    assert_int_equal(strlen(names[1]), 63);
    assert_string_equal(longest.text + strlen(longest.text) - 10, "there-is'?");
}

static void medians(void **state) {
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    assert_true(weir_median(odd, 3) == 2);
    assert_true(weir_median(even, 4) == 2.5);
    assert_true(isnan(weir_median(odd, 0)));
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit_replaces),
        cmocka_unit_test(abandon_leaves_nothing),
        cmocka_unit_test(two_writers_of_one_name_do_not_meet),
        cmocka_unit_test(leftovers_of_killed_writers_are_removed),
        cmocka_unit_test(full_disk_keeps_the_former),
        cmocka_unit_test(earlier_failure_is_remembered),
        cmocka_unit_test(unwritable_folder),
        cmocka_unit_test(reading_is_bounded),
        cmocka_unit_test(large_file_is_read_whole),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(folders_are_made),
        cmocka_unit_test(append_is_all_or_nothing),
        cmocka_unit_test(contents_are_recognised),
        cmocka_unit_test(nearest_name),
        cmocka_unit_test(hints),
        cmocka_unit_test(medians),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
