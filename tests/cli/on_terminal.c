// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// on_terminal [--interrupt TEXT] COMMAND…: runs a command on a terminal of 80 columns of its own and prints what
// appears there. With --interrupt, Ctrl-C is typed when TEXT first appears. Ends with the command's status.

#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int open_terminal(int *master) {
    *master = posix_openpt(O_RDWR | O_NOCTTY);
    if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0) return -1;
    int slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
    struct winsize window = {.ws_row = 24, .ws_col = 80};
    if (slave >= 0) ioctl(slave, TIOCSWINSZ, &window);
    return slave;
}

static void become(int master, int slave, char **command) {
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++) dup2(slave, i);
    close(master);
    close(slave);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv) {
    const char *text = NULL;
    char **command = argv + 1;
    if (argc > 3 && strcmp(argv[1], "--interrupt") == 0) {
        text = argv[2];
        command = argv + 3;
    }
    int master = -1, slave = open_terminal(&master);
    if (command[0] == NULL || slave < 0) return 126;
    pid_t child = fork();
    if (child == 0) become(master, slave, command);
    close(slave);
    char seen[1 << 16];
    size_t length = 0;
    for (ssize_t count; (count = read(master, seen + length, sizeof seen - 1 - length)) > 0;) {
        fwrite(seen + length, 1, (size_t)count, stdout);
        length += (size_t)count;
        seen[length] = '\0';
        if (text != NULL && strstr(seen, text) != NULL) {
            if (write(master, "\003", 1) != 1) return 126;
            text = NULL;
        }
        if (length > sizeof seen / 2) { // keep the end: TEXT may be cut in two
            memmove(seen, seen + length - 256, 257);
            length = 256;
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
