/* What a process tells those who watch it: that it was forked, that it replaces its program, how it
 * ends.  The host tells nobody but a tracer. */
#ifndef GUISE_KQUEUE_PROCESS_NOTE_H
#define GUISE_KQUEUE_PROCESS_NOTE_H

#include "runtime.h"

struct process_note {
    u32 event; /* NOTE_FORK: `pid` is the new one; NOTE_EXEC; NOTE_EXIT */
    s32 pid, parent;
    s32 status; /* NOTE_EXIT: as wait reports it */
};

/* Descriptors that come with NOTE_FORK. */
#define NOTE_LISTENER 0 /* receives what the new process will tell */
#define NOTE_PIDFD 1
#define NOTE_DESCRIPTORS 2

/* A socket that receives what `pid` tells.  -EADDRINUSE: somebody has it already. */
long process_listen(struct thread *t, s32 pid);
/* The next note, or false.  fds: -1 where none came. */
bool process_note_read(int listener, struct process_note *note, int fds[NOTE_DESCRIPTORS]);

#endif
