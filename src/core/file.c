// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Whole files: written so that a crash, a full disk or a second writer never leaves half of one; read with a bound.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

enum { temporary_tries = 100, first_read = 4096 };

static weir_status fail_errno(weir_error *error, const char *doing, const char *path, int code) {
    const weir_status status = code == ENOENT ? WEIR_NOT_FOUND : WEIR_IO;
    return weir__fail(error, status, "%s: cannot %s: %s", path, doing, strerror(code));
}

// The process and a count in the name: two writers of one path do not meet. O_EXCL rather than mkstemp, so that the
// permissions are those that the user's umask asks for.
static int open_temporary(char *name, size_t size, const char *path) {
    static atomic_uint made;
    for (int i = 0; i < temporary_tries; i++) {
        snprintf(name, size, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&made, 1));
        const int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) return descriptor;
    }
    return -1;
}

// Whether a name is that of a temporary file (open_temporary) whose process is no more.
static bool is_orphan(const char *name) {
    const char *dot = NULL;
    long process = 0;
    int end = 0;
    for (const char *at = name; (at = strchr(at, '.')); at++) dot = at[1] >= '0' && at[1] <= '9' ? at : dot;
    if (!dot || sscanf(dot, ".%ld-%*u.tmp%n", &process, &end) != 1 || !end || dot[end]) return false;
    return process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

void weir__file_sweep(const char *folder) {
    DIR *stream = opendir(folder);
    const struct dirent *entry = NULL;
    while (stream && (entry = readdir(stream))) {
        if (is_orphan(entry->d_name)) unlinkat(dirfd(stream), entry->d_name, 0);
    }
    if (stream) closedir(stream);
}

static void release(weir__file *file) {
    weir__free(file->path);
    weir__free(file->temporary);
    *file = (weir__file){0};
}

weir_status weir__file_begin(weir__file *file, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    int descriptor = -1;
    struct stat about;
    *file = (weir__file){0};
    file->former = stat(path, &about) == 0;
    // Renaming over a device or a pipe would replace it by a file.
    TRY_THAT(!file->former || S_ISREG(about.st_mode), WEIR_IO,
             "%s: is not a regular file, so it cannot be replaced; choose another name", path);
    file->path = weir__copy_string(path);
    const size_t room = strlen(path) + 48;
    TRY(weir__new(&file->temporary, room, 1, "a file name", error));
    TRY_THAT(file->path, WEIR_MEMORY, "out of memory: a file name");
    descriptor = open_temporary(file->temporary, room, path);
    if (descriptor < 0) {
        status = fail_errno(error, "be written in its folder", path, errno);
        goto done;
    }
    file->stream = fdopen(descriptor, "wb");
    if (!file->stream) {
        status = fail_errno(error, "be written", path, errno);
        close(descriptor);
        unlink(file->temporary);
    }
done:
    if (status != WEIR_OK) release(file);
    return status;
}

int weir__file_put(const char *bytes, size_t size, void *file) {
    weir__file *to = file;
    to->wanted += size;
    if (!to->code && size) {
        errno = 0;
        if (fwrite(bytes, 1, size, to->stream) != size) to->code = errno ? errno : EIO;
    }
    return 0;
}

void weir__file_abandon(weir__file *file) {
    if (!file->temporary) return;
    if (file->stream) fclose(file->stream);
    unlink(file->temporary);
    release(file);
}

// Makes the new name itself survive a power cut. Not every file system can, so its result does not matter.
static void flush_folder(const char *path) {
    char *folder = weir__copy_string(path);
    if (!folder) return;
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = 0;
    const int descriptor = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
    weir__free(folder);
}

weir_status weir__file_commit(weir__file *file, weir_error *error) {
    // A write past weir__file_put leaves no errno behind, only the stream's mark.
    int code = file->code ? file->code : ferror(file->stream) ? EIO : 0;
    if (!code && (fflush(file->stream) || fsync(fileno(file->stream)))) code = errno;
    if (fclose(file->stream) && !code) code = errno;
    file->stream = NULL;
    if (!code && rename(file->temporary, file->path)) code = errno;
    weir_status status = WEIR_OK;
    if (!code) {
        flush_folder(file->path);
    } else {
        status = weir__fail(error, WEIR_IO, "%s: cannot be written: %s (%llu bytes are needed); %s", file->path,
                            strerror(code), (unsigned long long)file->wanted,
                            file->former ? "the former file of that name is unchanged" : "there is no such file now");
        unlink(file->temporary);
    }
    release(file);
    return status;
}

weir_status weir_file_write(const char *path, const void *bytes, size_t size, weir_error *error) {
    weir__file file;
    const weir_status status = weir__file_begin(&file, path, error);
    if (status != WEIR_OK) return status;
    weir__file_put(bytes, size, &file);
    return weir__file_commit(&file, error);
}

// Writes all of it, or says why not.
static int write_whole(int descriptor, const char *bytes, size_t size) {
    while (size) {
        const ssize_t done = write(descriptor, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

weir_status weir__file_append(const char *path, const char *bytes, size_t size, weir_error *error) {
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) return weir__fail(error, WEIR_IO, "%s: cannot be written: %s", path, strerror(errno));
    struct stat about = {0};
    int code = fstat(descriptor, &about) ? errno : write_whole(descriptor, bytes, size);
    if (code) (void)!ftruncate(descriptor, about.st_size); // half a line is worse than none
    if (close(descriptor) && !code) code = errno;
    if (!code) return WEIR_OK;
    return weir__fail(error, WEIR_IO, "%s: cannot be written: %s (%zu bytes are needed); what it held is unchanged",
                      path, strerror(code), size);
}

// Room for twice as much, or for `most` and one more that tells a file that is too large.
static weir_status grow(char **text, size_t *room, size_t used, size_t most, weir_error *error) {
    size_t wanted = *room ? *room * 2 : first_read;
    if (wanted > most) wanted = most + 1;
    char *fresh = NULL;
    const weir_status status = weir__new(&fresh, wanted + 1, 1, "a file's text", error);
    if (status != WEIR_OK) return status;
    if (used) memcpy(fresh, *text, used);
    weir__free(*text);
    *text = fresh;
    *room = wanted;
    return WEIR_OK;
}

weir_status weir__file_read(const char *path, size_t most, char **text, size_t *size, weir_error *error) {
    weir_status status = WEIR_OK;
    char *bytes = NULL;
    size_t room = 0, used = 0;
    *text = NULL;
    *size = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream) return fail_errno(error, "be opened", path, errno);
    for (size_t got = 1; got;) {
        if (used == room) TRY(grow(&bytes, &room, used, most, error));
        got = fread(bytes + used, 1, room - used, stream);
        used += got;
        TRY_THAT(used <= most, WEIR_FORMAT, "%s: larger than the %zu bytes that such a file may have", path, most);
    }
    if (ferror(stream)) {
        status = fail_errno(error, "be read", path, errno);
        goto done;
    }
    bytes[used] = 0;
    *text = bytes;
    *size = used;
    bytes = NULL;
done:
    fclose(stream);
    weir__free(bytes);
    return status;
}

static weir_status make_one(const char *path, weir_error *error) {
    struct stat about;
    if (mkdir(path, 0777) == 0) return WEIR_OK;
    const int code = errno;
    // A read-only parent gives EROFS or EACCES even for a folder that exists.
    if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode)) return WEIR_OK;
        return weir__fail(error, WEIR_IO, "%s: is a file, but a folder is needed there", path);
    }
    return weir__fail(error, WEIR_IO, "%s: cannot make this folder: %s", path, strerror(code));
}

weir_status weir_folder_make(const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    char *copy = NULL;
    TRY_THAT(*path, WEIR_ARGUMENT, "the name of a folder is empty");
    copy = weir__copy_string(path);
    TRY_THAT(copy, WEIR_MEMORY, "out of memory: a folder name");
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/' || at[-1] == '/') continue;
        *at = 0;
        TRY(make_one(copy, error));
        *at = '/';
    }
    TRY(make_one(copy, error));
done:
    weir__free(copy);
    return status;
}
