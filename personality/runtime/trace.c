/* Records of calls and signals, written by the thread that makes them into its own ring.
 *
 * A record is begun in place when a call enters and completed when it leaves, so that a reader finds
 * the call that was in progress when a process was killed.  A full ring makes its thread wait, unless
 * the reader prefers loss; a reader that died is noticed by the lock it held, and tracing ends. */
#include "core.h"
#include "trace.h"
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/time.h>

#define READER_BYTE 0 /* of the area: the reader holds a lock on it */
#define WAIT_NS 100000000L

struct trace_area *trace_area;
static int area_fd = -1;

int trace_descriptor(void) { return trace_area != NULL ? area_fd : -1; }

int trace_slot_index(const struct thread *t)
{
    if (trace_area == NULL || t->trace_ring == 0)
        return -1;
    return (int)((t->trace_ring - (u64)(trace_area + 1)) / trace_area->slot_size);
}

static u64 now(int clock)
{
    struct timespec_host ts;
    clock_read(clock, &ts);
    return (u64)ts.sec * 1000000000UL + (u64)ts.nsec;
}

static bool reader_is_gone(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = 0, .l_start = READER_BYTE, .l_len = 1};
    return host(__NR_fcntl, area_fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK;
}

static struct trace_record *record_at(struct trace_slot *s, u64 position)
{
    return (struct trace_record *)((u8 *)s + PAGE + (position & (trace_area->ring_size - 1)));
}

static bool is_open(const struct trace_slot *s) { return s->open == s->head + 1; }

static void commit(struct trace_slot *s, struct trace_record *r, const u8 *end)
{
    r->size = (u32)(end - (u8 *)r);
    __atomic_store_n(&s->head, s->head + r->size, __ATOMIC_RELEASE);
}

/* A call that was left in a way of its own. */
static void commit_open(struct trace_slot *s)
{
    struct trace_record *r = record_at(s, s->head);
    if (!is_open(s))
        return;
    r->state = STATE_NO_RETURN;
    commit(s, r, (u8 *)r + r->size);
}

static bool has_room(struct trace_slot *s, u64 bytes)
{
    return s->head + bytes - __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE) <= trace_area->ring_size;
}

/* False: the record is not wanted after all. */
static bool wait_for_room(struct trace_slot *s, u64 bytes)
{
    struct timespec_host timeout = {0, WAIT_NS};
    while (!has_room(s, bytes)) {
        if (trace_area->off)
            return false;
        if (trace_area->lossy) {
            __atomic_add_fetch(&s->dropped, 1, __ATOMIC_RELAXED);
            return false;
        }
        __atomic_store_n(&s->waiting, 1, __ATOMIC_SEQ_CST);
        if (has_room(s, bytes))
            break;
        if (host(__NR_futex, &s->waiting, FUTEX_WAIT, 1, &timeout) == -ETIMEDOUT && reader_is_gone())
            trace_area->off = 1;
    }
    __atomic_store_n(&s->waiting, 0, __ATOMIC_RELAXED);
    return true;
}

/* Room for the largest record, in one piece. */
static struct trace_record *reserve(struct trace_slot *s, u32 kind, u32 kernel, u32 number)
{
    if (is_open(s))
        commit_open(s);
    u64 left = trace_area->ring_size - (s->head & (trace_area->ring_size - 1));
    u64 bytes = left < TRACE_RECORD ? left + TRACE_RECORD : TRACE_RECORD;
    if (!has_room(s, bytes) && !wait_for_room(s, bytes))
        return NULL;
    if (left < TRACE_RECORD) {
        struct trace_record *gap = record_at(s, s->head);
        gap->kind = RECORD_PAD;
        commit(s, gap, (u8 *)gap + left);
    }
    struct trace_record *r = record_at(s, s->head);
    r->kind = (u8)kind;
    r->state = STATE_DONE;
    r->arguments = r->captures = 0;
    r->number = number;
    r->kernel = kernel;
    r->duration = 0;
    r->result = 0;
    r->second = 0;
    r->start = now(CLOCK_MONOTONIC);
    return r;
}

static u32 kernel_index(const struct thread *t)
{
    u32 i = 0;
    while (trace_tables[i].kernel != NULL && strcmp(trace_tables[i].kernel, t->personality->name) != 0)
        i++;
    return i;
}

/* The first record of a thread, and again after its exec: what the others do not repeat. */
static void introduce(struct thread *t, struct trace_slot *s)
{
    struct trace_record *r = reserve(s, RECORD_THREAD, s->kernel, (u32)s->tid);
    if (r == NULL)
        return;
    r->arguments = 3;
    r->values[0] = (u64)s->pid;
    r->values[1] = (u64)host(__NR_getppid);
    r->values[2] = now(CLOCK_REALTIME);
    u8 *end = trace_capture_text(r, (u8 *)(r->values + 3), 0, t->process->executable);
    commit(s, r, trace_capture_text(r, end, 1, t->personality->name));
}

static void occupy(struct thread *t, struct trace_slot *s)
{
    s->pid = (s32)host(__NR_getpid);
    s->tid = (s32)host(__NR_gettid);
    s->kernel = kernel_index(t);
    t->trace_ring = (u64)s;
    introduce(t, s);
}

static struct trace_slot *slot_number(u32 i)
{
    return (struct trace_slot *)((u8 *)(trace_area + 1) + i * trace_area->slot_size);
}

static struct trace_slot *claim(struct thread *t)
{
    for (u32 i = 0; i < trace_area->slots; i++) {
        struct trace_slot *s = slot_number(i);
        u32 state = SLOT_FREE, next = __atomic_load_n(&trace_area->next_slot, __ATOMIC_RELAXED);
        if (__atomic_load_n(&s->state, __ATOMIC_RELAXED) != SLOT_FREE ||
            !__atomic_compare_exchange_n(&s->state, &state, SLOT_USED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        while (next <= i && !__atomic_compare_exchange_n(&trace_area->next_slot, &next, i + 1, false,
                                                         __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            ;
        occupy(t, s);
        return s;
    }
    __atomic_add_fetch(&trace_area->refused, 1, __ATOMIC_RELAXED);
    return NULL;
}

static struct trace_slot *slot_of(struct thread *t)
{
    return t->trace_ring != 0 ? (struct trace_slot *)t->trace_ring : claim(t);
}

void trace_boot(struct thread *t, int fd, int slot)
{
    struct trace_area *head;
    long size = host(__NR_lseek, fd, 0, 2 /* SEEK_END */);
    if (is_error(size) || size < (long)sizeof(*head))
        return;
    long at = host(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (is_error(at))
        return;
    head = (struct trace_area *)at;
    if (head->magic != TRACE_MAGIC || head->version != TRACE_VERSION) {
        host(__NR_munmap, at, size);
        return;
    }
    area_fd = fd;
    trace_area = head;
    if (slot < 0)
        return;
    struct trace_slot *s = slot_number((u32)slot);
    struct trace_record *r = record_at(s, s->head);
    if (is_open(s)) { /* the execve that brought us here */
        r->state = STATE_DONE;
        r->duration = now(CLOCK_MONOTONIC) - r->start;
        commit(s, r, (u8 *)r + r->size);
    }
    occupy(t, s);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static const struct trace_call *captures_of(u32 kernel, u64 number)
{
    const struct trace_table *table = &trace_tables[kernel];
    return table->kernel != NULL && number < table->limit ? &table->calls[number] : NULL;
}

static u8 *capture_all(struct trace_record *r, u8 *at, u32 when, const u64 *a, long result)
{
    const struct trace_call *call = captures_of(r->kernel, r->number);
    for (u32 i = 0; call != NULL && i < call->count; i++)
        if (call->arguments[i].when & when)
            at = trace_capture(r, at, &call->arguments[i], a, result);
    return at;
}

static struct trace_record *begin_call(struct trace_slot *s, u64 number, const u64 *a, const struct call_entry *entry)
{
    struct trace_record *r = reserve(s, RECORD_CALL, s->kernel, (u32)number);
    if (r == NULL)
        return NULL;
    r->state = STATE_OPEN;
    r->arguments = entry != NULL ? entry->arguments : 6;
    for (u32 i = 0; i < r->arguments; i++)
        r->values[i] = a[i];
    u8 *end = capture_all(r, (u8 *)(r->values + r->arguments), TRACE_ENTRY, a, 0);
    r->size = (u32)(end - (u8 *)r);
    return r;
}

bool trace_enter(struct thread *t, u64 number, const u64 *a, const struct call_entry *entry)
{
    if (trace_area->off)
        return false;
    struct trace_slot *s = slot_of(t);
    if (s == NULL || (s->kernel < TRACE_KERNELS && number < TRACE_CALLS && !trace_area->wanted[s->kernel][number]))
        return false;
    if (begin_call(s, number, a, entry) == NULL)
        return false;
    __atomic_store_n(&s->open, s->head + 1, __ATOMIC_RELEASE);
    if (entry != NULL && (entry->flags & CALL_NO_RESULT))
        commit_open(s);
    return true;
}

void trace_leave(struct thread *t, const struct frame *f, u64 number, const u64 *a,
                 const struct call_entry *entry, long result)
{
    u64 end = now(CLOCK_MONOTONIC);
    struct trace_slot *s = (struct trace_slot *)t->trace_ring;
    if (s == NULL) { /* the child of a fork: its parent's record is not its own */
        s = claim(t);
        if (s == NULL || begin_call(s, number, a, entry) == NULL)
            return;
    } else if (!is_open(s)) {
        return;
    }
    struct trace_record *r = record_at(s, s->head);
    r->duration = end > r->start ? end - r->start : 0;
    bool failed = is_error(result) && result != RESULT_IN_FRAME;
    if (trace_area->only == (failed ? TRACE_ONLY_SUCCESSFUL : TRACE_ONLY_FAILED) ||
        r->duration < trace_area->least_duration) {
        s->open = 0;
        return;
    }
    r->state = STATE_DONE;
    r->result = result == RESULT_IN_FRAME ? (long)f->rax : result;
    r->second = f->rdx;
    u8 *at = (u8 *)r + r->size;
    commit(s, r, failed ? at : capture_all(r, at, TRACE_EXIT, a, result));
}

/* ---- signals and ends ------------------------------------------------------------------------------ */

void trace_signal(struct thread *t, const struct delivery *d)
{
    struct trace_slot *s = trace_area->off ? NULL : slot_of(t);
    struct trace_record *r = s ? reserve(s, RECORD_SIGNAL, s->kernel, (u32)d->guest_signal) : NULL;
    if (r == NULL)
        return;
    r->arguments = 3;
    r->values[0] = (u64)(s64)d->info.code;
    r->values[1] = d->info.raw[0];
    r->values[2] = d->info.raw[1];
    commit(s, r, (u8 *)(r->values + 3));
}

static void end_slot(struct thread *t)
{
    struct trace_slot *s = (struct trace_slot *)t->trace_ring;
    if (trace_area == NULL || s == NULL)
        return;
    commit_open(s);
    t->trace_ring = 0;
    __atomic_store_n(&s->state, SLOT_ENDED, __ATOMIC_RELEASE);
}
ON_THREAD_EXIT(end_slot);

static void end_process(struct thread *t, u32 number, s64 result)
{
    struct trace_slot *s = trace_area != NULL ? (struct trace_slot *)t->trace_ring : NULL;
    struct trace_record *r = s != NULL && !trace_area->off ? reserve(s, RECORD_END, s->kernel, number) : NULL;
    if (r == NULL)
        return;
    r->result = result;
    commit(s, r, (u8 *)r->values);
    end_slot(t);
}

static void end_by_exit(struct thread *t, int status) { end_process(t, (u32)status, 0); }
ON_PROCESS_EXIT(end_by_exit);

void trace_death(struct thread *t, int host_signal)
{
    end_process(t, (u32)t->personality->signal_from_host(host_signal), 1);
}

static void forget_parent(struct thread *t) { t->trace_ring = 0; }
ON_FORK_CHILD(forget_parent);
