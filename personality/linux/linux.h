/* What the files of the Linux personality share.
 *
 * Most calls of a Linux guest are the host's own and go there by number (calls_linux.c, generated);
 * here is what the runtime must not lose sight of: signals, threads, processes, mappings, descriptors. */
#ifndef GUISE_LINUX_H
#define GUISE_LINUX_H

#include "runtime.h"
#include "abi_linux.h"

int linux_start(struct thread *t, struct frame *f, const struct start_info *s);
int linux_deliver(struct thread *t, struct frame *f, const struct delivery *d);
bool linux_on_alt_stack(const struct thread *t, u64 rsp);
void linux_save_alt_stack(const struct thread *t, struct linux_stack *s);
long linux_set_alt_stack(struct thread *t, const struct linux_stack *s, u64 rsp);
void linux_reset_alt_stack(struct thread *t);
/* Whether a path names this process's own program: "/proc/self/exe" and its other spellings. */
bool linux_names_program(const struct thread *t, u64 path);
struct linux_program { /* the file that the program was mapped from, as the host follows it over renames */
    u64 address;
    char path[4096];
};
void linux_find_program(const struct thread *t, struct linux_program *program);

#endif
