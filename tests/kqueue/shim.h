/* The kqueue engine as an ordinary program: what its tests use instead of a guest. */
#ifndef GUISE_TEST_KQUEUE_SHIM_H
#define GUISE_TEST_KQUEUE_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kqueue.h"

extern struct thread test_thread;

#define CHECK(condition, ...) check(!!(condition), #condition, __FILE__, __LINE__, "" __VA_ARGS__)
void check(bool good, const char *text, const char *file, int line, const char *fmt, ...);
int finish(void); /* prints the plan; exit status */

int kq_new(void);
/* One change, nothing waited for: 0 or -errno. */
long change(int kq, u64 ident, int filter, int flags, u32 fflags, s64 data, u64 udata);
/* Waits up to `ms` (-1: for ever); returns the number of events in `out`. */
long collect_events(int kq, struct knote_event *out, int room, int ms);
long raw_kevent(int kq, struct knote_event *changes, int nchanges, struct knote_event *out, int room, int ms);
struct knote_event event_of(u64 ident, int filter, int flags, u32 fflags, s64 data, u64 udata);
void guest_close(int fd);
void guest_signal(int signal); /* arrives */
bool signal_wanted(int signal);
extern int refreshed_signal; /* the last one that the core was asked to look at again */
int guest_fork(void); /* with the hook in the child */
long milliseconds(void);
extern u64 host_calls; /* made by the engine so far */

#endif
