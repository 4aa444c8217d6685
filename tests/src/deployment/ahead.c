/* Lets the wall clock of the program that this is preloaded into run ahead by as many milliseconds as the file AHEAD_FILE
 * says at that moment, a number of eight bytes. All other clocks are left alone, so that what waits, waits as long as
 * ever. Nothing is left behind when the program is killed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const long long *ahead_ms;

__attribute__((constructor)) static void open_file(void) {
    const char *name = getenv("AHEAD_FILE");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) abort();
    void *memory = mmap(NULL, sizeof *ahead_ms, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) abort();
    close(file);
    ahead_ms = memory;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && clock == CLOCK_REALTIME && ahead_ms) {
        long long ahead = *ahead_ms, nanos = now->tv_nsec + ahead % 1000 * 1000000, carry = nanos < 0 ? -1 : nanos / 1000000000;
        now->tv_sec += ahead / 1000 + carry;
        now->tv_nsec = nanos - carry * 1000000000;
    }
    return status;
}
