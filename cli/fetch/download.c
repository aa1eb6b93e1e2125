// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Downloads by libcurl. A file grows under NAME.part, which a later call continues; only with the right checksum does
// it get its name. A connection that breaks is taken up again at once as long as each attempt brought something.

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/evp.h>
#include <weir/file.h>

#include "fetch.h"
#include "unzip.h"

enum { md5_digits = 32, fruitless_attempts = 3, connect_seconds = 20, stall_seconds = 30, stall_bytes = 50 };

static const uint64_t most_bytes = (uint64_t)1 << 32; // of a file whose size is not known

/// One file under way.
typedef struct job {
    const fetch_file *file;
    char *url, *path, *part;
    FILE *stream;
    uint64_t start; ///< bytes that the part file had before this attempt
    uint64_t done;  ///< bytes that it has
    int fruitless;  ///< attempts in a row that brought nothing
    int write_code; ///< errno of a write that failed; 0: none
    bool too_large, interrupted, restarted;
    fetch_progress progress;
    void *context;
} job;

static weir_status fail(weir_error *error, weir_status status, const char *format, ...) WEIR_PRINTF(3, 4);

static weir_status fail(weir_error *error, weir_status status, const char *format, ...) {
    if (error == NULL) return status;
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

/// Leaves the function through its label "done" when a call fails, or when a condition does not hold.
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != WEIR_OK) goto done;                                                                              \
    } while (0)
#define TRY_THAT(condition, code, ...)                                                                                 \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            status = fail(error, code, __VA_ARGS__);                                                                   \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

static weir_status join(char **text, const char *a, const char *b, const char *c, weir_error *error) {
    const size_t room = strlen(a) + strlen(b) + strlen(c) + 1;
    *text = malloc(room);
    if (*text == NULL) return fail(error, WEIR_MEMORY, "out of memory: an address");
    snprintf(*text, room, "%s%s%s", a, b, c);
    return WEIR_OK;
}

static weir_status job_init(job *j, const fetch_file *file, const char *folder, const char *base_url,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    j->file = file;
    const char *slash = strrchr(file->url, '/');
    if (base_url && slash) {
        const size_t length = strlen(base_url);
        const bool ends_with_slash = length && base_url[length - 1] == '/';
        TRY(join(&j->url, base_url, ends_with_slash ? "" : "/", slash + 1, error));
    } else {
        TRY(join(&j->url, file->url, "", "", error));
    }
    TRY(join(&j->path, folder, "/", file->name, error));
    TRY(join(&j->part, j->path, ".part", "", error));
done:
    return status;
}

static void job_free(job *j) {
    if (j->stream) fclose(j->stream);
    free(j->url);
    free(j->path);
    free(j->part);
}

// *same: the file is there and has the checksum. A file that cannot be read counts as different. md5 NULL: any file is
// the same, for what it holds is checked later.
static weir_status has_checksum(bool *same, const char *path, const char *md5, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!md5) {
        *same = access(path, R_OK) == 0;
        return WEIR_OK;
    }
    unsigned char buffer[1 << 14], digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = NULL;
    *same = false;
    FILE *stream = fopen(path, "rb");
    if (!stream) return WEIR_OK;
    context = EVP_MD_CTX_new();
    TRY_THAT(context, WEIR_MEMORY, "out of memory: a checksum");
    TRY_THAT(EVP_DigestInit_ex(context, EVP_md5(), NULL), WEIR_UNSUPPORTED, "libcrypto has no MD5 on this machine");
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0;) EVP_DigestUpdate(context, buffer, got);
    EVP_DigestFinal_ex(context, digest, &size);
    if (ferror(stream) || size * 2 != md5_digits) goto done;
    char text[md5_digits + 1];
    for (size_t i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    *same = strcmp(text, md5) == 0;
done:
    EVP_MD_CTX_free(context);
    fclose(stream);
    return status;
}

static size_t receive(char *data, size_t size, size_t count, void *context) {
    job *j = context;
    const size_t bytes = size * count;
    const uint64_t room = (j->file->bytes ? j->file->bytes : most_bytes) - j->done;
    // What is beyond the published size is left out, so that how the network cuts pieces makes no difference.
    const size_t wanted = bytes < room ? bytes : (size_t)room;
    j->too_large = wanted < bytes;
    errno = 0;
    if (fwrite(data, 1, wanted, j->stream) != wanted) j->write_code = errno ? errno : EIO;
    if (j->write_code) return 0;
    j->done += wanted;
    return wanted;
}

static int report(job *j, uint64_t total) {
    if (j->progress && j->progress(j->context, j->file->name, j->done, total)) j->interrupted = true;
    return j->interrupted;
}

static int tick(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    (void)now, (void)up_total, (void)up_now;
    job *j = context;
    return report(j, j->file->bytes ? j->file->bytes : total > 0 ? j->start + (uint64_t)total : 0);
}

static weir_status open_part(job *j, bool anew, weir_error *error) {
    weir_status status = WEIR_OK;
    if (j->stream) fclose(j->stream);
    j->stream = fopen(j->part, anew ? "wb" : "ab");
    TRY_THAT(j->stream, WEIR_IO, "%s: cannot be written: %s", j->part, strerror(errno));
    struct stat about;
    TRY_THAT(fstat(fileno(j->stream), &about) == 0, WEIR_IO, "%s: %s", j->part, strerror(errno));
    j->start = j->done = (uint64_t)about.st_size;
done:
    return status;
}

static CURLcode transfer(CURL *curl, job *j) {
    j->start = j->done;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, j->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)connect_seconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)stall_bytes);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)stall_seconds);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir");
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)j->start);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, j);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tick);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, j);
    return curl_easy_perform(curl);
}

static weir_status fail_writing(const job *j, int code, weir_error *error) {
    return fail(error, WEIR_IO,
                "%s: cannot be written: %s (%llu bytes are needed, %llu had come); once that is mended, the same "
                "command continues",
                j->part, strerror(code), (unsigned long long)j->file->bytes, (unsigned long long)j->done);
}

static weir_status fail_transfer(const job *j, CURLcode code, long answer, weir_error *error) {
    if (j->interrupted) return fail(error, WEIR_INTERRUPTED, "%s: interrupted", j->url);
    if (j->write_code) return fail_writing(j, j->write_code, error);
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return fail(error, answer == 404 ? WEIR_NOT_FOUND : WEIR_IO,
                    "%s: the server answers %ld; try later, or another address for the data", j->url, answer);
    return fail(error, WEIR_IO, "%s: %s, after %llu bytes; run it again to continue from there", j->url,
                curl_easy_strerror(code), (unsigned long long)j->done);
}

/// What to do after an attempt.
typedef enum next_step { STEP_CHECK, STEP_AGAIN, STEP_ANEW, STEP_FAIL } next_step;

static next_step judge(job *j, CURLcode code, long answer) {
    if (j->interrupted || j->write_code) return STEP_FAIL;
    if (j->too_large) return STEP_CHECK;
    // A server that cannot continue, or says that nothing is left to send.
    const bool refused = code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || answer == 416;
    if (j->start && refused) {
        const bool again = j->restarted;
        j->restarted = true;
        return again ? STEP_CHECK : STEP_ANEW;
    }
    if (code == CURLE_OK && (!j->file->bytes || j->done == j->file->bytes)) return STEP_CHECK;
    j->fruitless = j->done > j->start ? 0 : j->fruitless + 1;
    const bool broken = code == CURLE_OK || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
                        code == CURLE_GOT_NOTHING || code == CURLE_OPERATION_TIMEDOUT;
    if (broken && j->fruitless < fruitless_attempts) return STEP_AGAIN;
    return code == CURLE_OK ? STEP_CHECK : STEP_FAIL;
}

// As many attempts as it takes until the part file can be checked.
static weir_status complete_part(CURL *curl, job *j, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(open_part(j, false, error));
    while (!j->file->bytes || j->done < j->file->bytes) {
        const CURLcode code = transfer(curl, j);
        long answer = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
        const next_step next = judge(j, code, answer);
        if (next == STEP_FAIL) {
            status = fail_transfer(j, code, answer, error);
            goto done;
        }
        if (next == STEP_CHECK) break;
        if (next == STEP_ANEW) {
            bool whole = false;
            TRY(has_checksum(&whole, j->part, j->file->md5, error));
            if (whole) break;
            TRY(open_part(j, true, error));
        }
        if (fflush(j->stream)) TRY(fail_writing(j, errno, error));
    }
    if (fflush(j->stream) || fsync(fileno(j->stream))) status = fail_writing(j, errno, error);
done:
    if (j->stream) fclose(j->stream);
    j->stream = NULL;
    return status;
}

// Leaves the part file complete and with the right checksum, or throws it away. One that an earlier call had begun may
// be of another file: then it starts once more from the front.
static weir_status download(CURL *curl, job *j, weir_error *error) {
    weir_status status = WEIR_OK;
    struct stat about;
    bool right = false, resumed = stat(j->part, &about) == 0 && about.st_size > 0;
    for (;;) {
        j->too_large = false;
        TRY(complete_part(curl, j, error));
        TRY(has_checksum(&right, j->part, j->file->md5, error));
        if (right) break;
        unlink(j->part);
        TRY_THAT(resumed, WEIR_DATA,
                 "%s: the downloaded file is not the published one (its MD5 should be %s); it was thrown away", j->url,
                 j->file->md5);
        resumed = false;
    }
done:
    return status;
}

static weir_status get_file(CURL *curl, job *j, weir_error *error) {
    weir_status status = WEIR_OK;
    bool right = false;
    struct stat about;
    TRY(has_checksum(&right, j->path, j->file->md5, error));
    if (!right) {
        TRY(download(curl, j, error));
        TRY_THAT(rename(j->part, j->path) == 0, WEIR_IO, "%s: cannot be written: %s", j->path, strerror(errno));
    }
    if (stat(j->path, &about) == 0) j->done = (uint64_t)about.st_size;
    TRY_THAT(!report(j, j->done), WEIR_INTERRUPTED, "%s: interrupted", j->url);
done:
    return status;
}

// A file out of an archive. The archive is kept only until the file is there.
static weir_status get_member(CURL *curl, job *whole, const char *folder, const char *base_url, weir_error *error) {
    weir_status status = WEIR_OK;
    const fetch_file *file = whole->file;
    char *name = NULL;
    bool right = false;
    job archive = {.progress = whole->progress, .context = whole->context};
    TRY(has_checksum(&right, whole->path, file->md5, error));
    TRY(join(&name, file->name, ".zip", "", error));
    const fetch_file packed = {.name = name, .url = file->url, .bytes = file->archive_bytes};
    TRY(job_init(&archive, &packed, folder, base_url, error));
    if (!right) {
        TRY(get_file(curl, &archive, error));
        status = fetch_unzip(archive.path, file->name, whole->part, file->bytes, error);
        if (status == WEIR_OK) TRY(has_checksum(&right, whole->part, file->md5, error));
        if (!right && (status == WEIR_OK || status == WEIR_DATA)) {
            unlink(archive.path);
            unlink(whole->part);
            status = fail(error, WEIR_DATA,
                          "%s: '%s' in the downloaded archive is not the published one (its MD5 should be %s); it was thrown "
                          "away",
                          archive.url, file->name, file->md5);
        }
        TRY(status);
        TRY_THAT(rename(whole->part, whole->path) == 0, WEIR_IO, "%s: cannot be written: %s", whole->path, strerror(errno));
    }
    unlink(archive.path);
    unlink(archive.part);
    whole->done = file->bytes;
    TRY_THAT(!report(whole, whole->done), WEIR_INTERRUPTED, "%s: interrupted", archive.url);
done:
    job_free(&archive);
    free(name);
    return status;
}

weir_status fetch_download(const fetch_source *source, const char *folder, const char *base_url,
                           fetch_progress progress, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    CURL *curl = NULL;
    const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    TRY_THAT(started && (curl = curl_easy_init()), WEIR_MEMORY, "libcurl cannot be started");
    TRY(weir_folder_make(folder, error));
    for (size_t i = 0; i < source->file_count; i++) {
        job j = {.progress = progress, .context = context};
        status = job_init(&j, &source->files[i], folder, base_url, error);
        if (status == WEIR_OK)
            status = j.file->archive_bytes ? get_member(curl, &j, folder, base_url, error) : get_file(curl, &j, error);
        job_free(&j);
        if (status != WEIR_OK) break;
    }
done:
    if (curl) curl_easy_cleanup(curl);
    if (started) curl_global_cleanup();
    return status;
}
