/* A clock that stands still, for LD_PRELOAD: 2026-03-04 05:06:07 UTC; the monotonic one goes on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>
#define NOW 1772600767L
time_t time(time_t *t) { if (t) *t = NOW; return NOW; }
int gettimeofday(struct timeval *tv, void *tz) { tv->tv_sec = NOW; tv->tv_usec = 0; return 0; }
int clock_gettime(clockid_t id, struct timespec *ts) {
  static int (*real)(clockid_t, struct timespec *);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) { ts->tv_sec = NOW; ts->tv_nsec = 0; return 0; }
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  return real(id, ts);
}
